"""Executes a network with OpenVINO on the CPU, from a graph that was converted once and is kept: torch is not imported.

The precision is float32 also where the processor has bfloat16: that draws twice as fast here, but slow walks tremble,
because the places where a picture is sampled get only eight bits.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino

from engine.registry import PACKAGES, register
from engine.resources import cache_folder
from engine.runtime.card import CardError, ModelCard
from engine.types import ByteArray, LatentState

KEPT = 4  # converted graphs a model
ABANDONED_S = 3600.0  # a graph that was not finished by then belongs to a process that was killed
_LONGEST, _DIGITS = 64, 16  # of a folder's name: characters of the model's, and of a hash


@register("runtime", "openvino")
class OpenVinoGenerator:
    """Implements Generator. Raises CardError for a model that does not fit together, RuntimeError if conversion fails."""

    def __init__(self, card: ModelCard, threads: int, say: Callable[[str], None]) -> None:
        self.info = card.info("openvino")
        folder = graph_folder(card)
        if not folder.is_dir():
            say(f"converting {card.name} for OpenVINO; done once")
            convert(card, folder)
        core = openvino.Core()
        try:
            graphs = _read(core, folder)
        except RuntimeError:
            say(f"converting {card.name} for OpenVINO again: {folder} was damaged")
            shutil.rmtree(folder)
            convert(card, folder)
            graphs = _read(core, folder)
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # the stage draws on the same cores
        }
        self._graphs = [_Graph(core.compile_model(graph, "CPU", options)) for graph in graphs]
        shape = self._graphs[0].output.shape
        if shape != (*self.info.resolution[::-1], 4):
            raise CardError(f"expected frames of {self.info.resolution} from {card.folder}; got an array of {shape}")

    def step(self, state: LatentState, out: ByteArray) -> None:
        moved = {name for name, values in state.live.items() if values.any()}
        graph = next(graph for graph in self._graphs if moved <= graph.inputs.keys())  # the least that draws this
        truncation = np.array(state.truncation, np.float32)
        given = {"z": state.z, "y": state.y, "truncation": truncation, "noise": state.noise, **state.live}
        for name, tensor in graph.inputs.items():
            tensor[0] = given[name].reshape(tensor.shape[1:])
        graph.request.infer()
        np.copyto(out, graph.output)

    def close(self) -> None:
        del self._graphs


class _Graph:
    """A compiled graph and its memory: `inputs` by name (1,*shape), `output` (H,W,4) uint8."""

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self.request = compiled.create_infer_request()
        self.inputs = {port.get_any_name(): self.request.get_tensor(port).data for port in compiled.inputs}
        self.output = self.request.get_output_tensor(0).data


def _read(core: openvino.Core, folder: Path) -> list[openvino.Model]:
    """The graphs in `folder`, the one with the fewest inputs first. Raises RuntimeError where there are none, or bad ones."""
    files = sorted(folder.glob("*.xml"))
    if not files:
        raise RuntimeError(f"expected graphs in {folder}; got none")
    return [core.read_model(file) for file in files]


def graph_folder(card: ModelCard) -> Path:
    """Where the converted graph of a card is kept: another one for other weights, configuration, sources or versions."""
    digest = hashlib.sha256(f"{card.architecture} {card.sha256} {sorted(card.config.items())}".encode())
    architectures = importlib.util.find_spec(PACKAGES["architecture"])
    assert architectures is not None
    assert architectures.origin is not None
    converters = [Path(__file__).with_name(name) for name in ("network.py", "convert.py")]
    for file in [*sorted(Path(architectures.origin).parent.glob("*.py")), *converters]:
        digest.update(file.read_bytes())
    digest.update(" ".join(importlib.metadata.version(package) for package in ("openvino", "torch")).encode())
    return cache_folder() / "graphs" / f"{_plain(card)}-{digest.hexdigest()[:_DIGITS]}"


def _plain(card: ModelCard) -> str:
    """The card's name, which may hold anything, as part of a file's name that means nothing but itself."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", card.name)[:_LONGEST]


def convert(card: ModelCard, folder: Path) -> None:
    """Convert in a process of its own, so that torch stays out of this one, and put the whole result in place at once."""
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        command = [sys.executable, "-P", "-m", "engine.runtime.convert", str(card.folder), str(part), str(os.getpid())]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise RuntimeError(f"expected {card.folder} to be converted for OpenVINO; got {words[-1]}")
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same graph
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    known = sorted(folder.parent.glob(f"{_plain(card)}-{'[0-9a-f]' * _DIGITS}"), key=lambda path: path.stat().st_mtime)
    left = (path for path in folder.parent.glob("*.part") if time.time() - path.stat().st_mtime > ABANDONED_S)
    for old in (*known[:-KEPT], *left):
        shutil.rmtree(old, ignore_errors=True)
