"""Draws a model as fast as it can, when it is told to: `python -m engine.bench.model_speed JSON`.

JSON names the model's folder, the runtime (or "reference", and then its checkout) and the threads. Takes one order a line on
standard input and answers each with a line of JSON; the first line says that it is ready. A number is a time in seconds
to draw for, answered with every frame's milliseconds, of the clock and of the processor; a text is a file to write pictures to.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.core.registry import lookup
from engine.core.types import ByteArray, LatentState
from engine.runtime.card import ModelCard, load_card

REFERENCE = "reference"
STATES, PICTURES = 16, 4
TRUNCATION = 0.5
_WARM = 2  # frames before each timed turn: caches and threads have gone to sleep


def states(card: ModelCard) -> tuple[LatentState, ...]:
    """Independent latents with one class each, all else at rest."""
    rng = np.random.default_rng(4)
    classes = np.eye(len(card.classes), dtype=np.float32)
    noise = np.zeros(int(np.prod(card.noise_shape)), np.float32)
    extra_inputs = {name: np.zeros(shape, np.float32) for name, shape in card.extra_inputs.items()}
    z = rng.standard_normal((STATES, card.z_size)).astype(np.float32)
    return tuple(LatentState(row, classes[index % len(classes)], TRUNCATION, noise, extra_inputs) for index, row in enumerate(z))


def timed(
    step: Callable[[LatentState, ByteArray], None], given: Sequence[LatentState], out: ByteArray, seconds: float
) -> list[tuple[float, float]]:
    """Milliseconds of each frame drawn in a time: the clock's, and the processor's in all threads. At least one frame."""
    for state in given[:_WARM]:
        step(state, out)
    spent: list[tuple[float, float]] = []
    begun = time.perf_counter()
    while not spent or time.perf_counter() - begun < seconds:
        began, worked = time.perf_counter(), time.process_time()
        step(given[len(spent) % len(given)], out)
        spent.append((round((time.perf_counter() - began) * 1e3, 3), round((time.process_time() - worked) * 1e3, 3)))
    return spent


def main() -> None:
    """Serve orders until standard input closes."""
    order = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a reference prints goes elsewhere
    card = load_card(Path(order["model"]), verify=False)  # loading verifies what it reads
    given = states(card)
    ready: dict[str, float] = {}
    if order["runtime"] == REFERENCE:
        # By its name, as the registry does: this package does not know torch.
        checkout = Path(order["checkout"]) if order["checkout"] else None
        drawing = importlib.import_module("engine.studio.references").Reference(card, order["threads"], checkout)
        ready["parity"] = drawing.parity(given[0])
    else:
        drawing = lookup("runtime", order["runtime"])(card, order["threads"], lambda said: print(said, file=sys.stderr))
    out = np.empty((*card.resolution[::-1], 4), np.uint8)
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, str):
            pictures = np.empty((PICTURES, *out.shape), np.uint8)
            for state, picture in zip(given, pictures, strict=False):
                drawing.step(state, picture)
            np.save(asked, pictures)
            print("[]", file=answers, flush=True)
        else:
            print(json.dumps(timed(drawing.step, given, out, asked)), file=answers, flush=True)


if __name__ == "__main__":
    main()
