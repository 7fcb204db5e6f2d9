"""One network in one form on the card, as fast as it can, in a process of its own: `python -m tools.gpu_contender JSON`.

JSON names the model's folder, the form (one of the runtime `cuda`, `reference`, `tensorrt` or `tensorrt-rtx`), the pictures a
call, the seconds to draw for and, for a reference, its checkout. Prints one line of JSON.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.model_speed import states
from engine.core.cuda import DeviceMemory, free_bytes
from engine.core.registry import lookup
from engine.core.types import LatentState
from engine.runtime.card import load_card

WARM_S = 0.5
KERNELS = 12  # the costliest that are listed


def main() -> None:
    """Measure and print."""
    order = json.loads(sys.argv[1])
    card = load_card(Path(order["model"]), verify=False)
    given, batch = states(card), int(order["batch"])
    began = time.perf_counter()
    free_before = free_bytes()[0]
    found: dict[str, Any] = {}
    if order["form"] == "reference":
        draw, draw_to_host = _reference(card, order, found, batch)
    else:
        draw, draw_to_host = _ours(card, order, found, batch)
    draw(given[:batch])
    found["start_s"] = round(time.perf_counter() - began, 2)
    found["samples_ms"] = _timed(draw, given, batch, order["seconds"])
    found["host_samples_ms"] = _timed(draw_to_host, given, batch, order["seconds"] / 4)
    found["memory_bytes"] = free_before - free_bytes()[0]
    if order["form"] == "eager":
        try:
            found["kernels"] = _kernels(draw, given[:batch])
        except RuntimeError as error:  # a machine may forbid to look into the card
            found["kernels"] = str(error)
    print(json.dumps(found), flush=True)


def _ours(card: Any, order: dict[str, Any], found: dict[str, Any], batch: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Ways to draw a batch: until it is on the card, and until it is in the host's memory."""
    width, height = card.resolution
    if order["form"].startswith("tensorrt"):
        generator = lookup("runtime", order["form"])(card, 4, _say, batch=batch)
    else:
        generator = lookup("runtime", "cuda")(card, 4, _say, form=order["form"], batch=batch)
    found["parity"] = generator.parity
    place, out = DeviceMemory(batch * width * height * 4), np.empty((batch, height, width, 4), np.uint8)

    def draw(states: Sequence[LatentState]) -> None:
        generator.draw_all_on_card(states, place.pointer)

    def draw_to_host(states: Sequence[LatentState]) -> None:
        generator.steps(states, out)

    if hasattr(generator, "device_ms"):
        found |= {"device_ms": generator.device_ms(20), "tried_ms": generator.tried_ms}
    return draw, draw_to_host


def _reference(
    card: Any, order: dict[str, Any], found: dict[str, Any], batch: int
) -> tuple[Callable[..., None], Callable[..., None]]:
    import torch

    torch.backends.cudnn.benchmark = True  # as NVIDIA's training has it
    checkout = Path(order["checkout"]) if order["checkout"] else None
    network = importlib.import_module("engine.studio.references").Reference(card, 4, checkout, "cuda")

    def draw(states: Sequence[LatentState]) -> None:
        network.draw(states)
        torch.cuda.synchronize()

    def draw_to_host(states: Sequence[LatentState]) -> None:
        network.draw(states).cpu()

    found["parity"] = network.parity(states(card)[0])
    network.forget_ours()
    torch.cuda.empty_cache()
    for name in ("bias_act", "upfirdn2d", "filtered_lrelu"):  # their own kernels, if they could be built
        module = sys.modules.get(f"torch_utils.ops.{name}")
        if module is not None:
            found[f"{name}_kernels"] = getattr(module, "_plugin", None) is not None
    return draw, draw_to_host


def _timed(
    draw: Callable[[Sequence[LatentState]], None], given: Sequence[LatentState], batch: int, seconds: float
) -> list[float]:
    """Milliseconds of each call, from latents in the host's memory to pictures."""
    spent: list[float] = []
    begun, turn = time.perf_counter(), 0
    while (now := time.perf_counter()) - begun < WARM_S + seconds or not spent:
        chosen = [given[(turn + index) % len(given)] for index in range(batch)]
        draw(chosen)
        turn += 1
        if now - begun >= WARM_S:
            spent.append(round((time.perf_counter() - now) * 1e3, 4))
    return spent


def _kernels(draw: Callable[[Sequence[LatentState]], None], states: Sequence[LatentState]) -> list[dict[str, Any]]:
    """The costliest kernels of a frame: name, microseconds and launches."""
    from torch.profiler import ProfilerActivity, profile

    frames = 3
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as seen:
        for _ in range(frames):
            draw(states)
    rows = [row for row in seen.key_averages() if row.self_device_time_total > 0]
    rows.sort(key=lambda row: -row.self_device_time_total)
    launches = sum(row.count for row in rows if row.device_type.name == "CUDA")
    listed = [
        {"name": row.key[:160], "us": round(row.self_device_time_total / frames, 1), "launches": row.count / frames}
        for row in rows
        if row.device_type.name == "CUDA"
    ]
    return [{"name": "all", "us": round(sum(row["us"] for row in listed), 1), "launches": launches / frames}, *listed[:KERNELS]]


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
