"""Compiles a model for a runtime, in a process of its own. Needs torch.

`python -m engine.runtime.compile.compiler RUNTIME MODEL_FOLDER PARENT BATCH TARGET` says on
standard output how far it is, a line at a time, and at the end on standard error what went wrong.
"""

import ctypes
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from engine.runtime.cache import DamagedError
from engine.runtime.card import ModelCard, load_card
from engine.runtime.compile.compiled_model import entry

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put the compiled model in the cache."""
    runtime, folder, parent, batch, target = sys.argv[1:]
    if sys.platform == "linux":  # with whoever wanted it, and not go on for minutes beside a show that does not
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):  # it died while torch was loaded
            return
    if hasattr(os, "nice"):
        os.nice(10)  # beside a show that plays
    card = load_card(Path(folder), verify=False)  # loading the weights checks what it reads
    kept = entry(card, runtime, target, int(batch))
    assert kept is not None
    if kept.ready:
        try:
            kept.check()
            return
        except DamagedError as error:
            tell(card.name, f"compiled again, since it was damaged: {error}")
            kept.drop()
    kept.put(lambda part: make(card, runtime, part, target, int(batch)))


def make(card: ModelCard, runtime: str, part: Path, target: str, batch: int) -> Mapping[str, Any]:
    """Write the files into `part`; notes for their manifest. `target` is another card's compute capability, as in sm86."""
    if runtime == "openvino":
        from engine.runtime.compile.openvino_ir import convert

        convert(card, part)
        return {}
    return make_plans(card, runtime, part, ((int(target[2:-1]), int(target[-1])),) if target else (), batch)


def make_plans(
    card: ModelCard, runtime: str, part: Path, capabilities: tuple[tuple[int, int], ...], batch: int
) -> Mapping[str, Any]:
    """TensorRT's plans, 0.plan, 1.plan ..., one with fewer inputs before one with more, and what they must draw."""
    from engine.runtime import tensorrt_api
    from engine.runtime.accuracy_check import PROOF, keep
    from engine.runtime.compile import tensorrt_plan
    from engine.runtime.compile.onnx_export import export
    from engine.runtime.input_packing import Packing
    from engine.runtime.picture_network import load_network, variants
    from engine.runtime.reference_outputs import drawn

    api = tensorrt_api.load(runtime)
    notes: dict[str, Any] = {"product": f"{api.product} {api.version}"}
    for index, names in enumerate(variants(load_network(card))):
        tell(f"plan {index}", "exporting the network")
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "network.onnx"
            export(card, file, half=True, names=names, batch=batch, half_filters=api.half_filters)
            graph = tensorrt_plan.inspect(api, file)
            shapes = Packing.of(card.info(runtime), names, batch).shapes
            tensorrt_plan.check(graph, shapes, (batch, *card.resolution[::-1], 4), half=True)
            plan = tensorrt_plan.build(api, file, capabilities, partial(tell, f"plan {index}"))
        (part / f"{index}.plan").write_bytes(plan)
        notes[f"plan {index}"] = dict(Counter(f"{work.kind} in {work.dtype}" for work in graph.work))
    tell("proof", "drawing what the plans must draw")
    keep(part / PROOF, drawn(card))
    return notes


def tell(about: str, words: str) -> None:
    """Tell whoever waits."""
    print(f"{about}: {words}", flush=True)


if __name__ == "__main__":
    main()
