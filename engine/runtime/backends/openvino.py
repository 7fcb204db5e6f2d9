"""Executes a network with OpenVINO on the CPU, from a graph that was converted once and is kept: torch is not imported.

The precision is float32 also where the processor has bfloat16: that draws twice as fast here, but slow walks tremble,
because the places where a picture is sampled get only eight bits.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.registry import register
from engine.core.types import ByteArray, LatentState
from engine.runtime.backend import CompiledBackend, Requirements, Say
from engine.runtime.card import CardError, ModelCard
from engine.runtime.compile.compiled_model import compiled

if TYPE_CHECKING:
    import openvino


@register("runtime", "openvino")
class OpenVinoGenerator(CompiledBackend):
    """Implements Generator. Raises CardError for a model that does not fit together, RuntimeError if conversion fails."""

    requirements = Requirements(packages=("openvino",), install="pip install openvino")
    rank = 200
    precision = "float32"
    compiled_by = ("engine.runtime.compile.openvino_ir",)

    def __init__(self, card: ModelCard, threads: int, say: Say) -> None:
        import openvino

        self.info = card.info("openvino")
        folder, _ = compiled(card, "openvino", say)
        core = openvino.Core()
        graphs = [core.read_model(file) for file in sorted(folder.glob("*.xml"))]  # the one with the fewest inputs first
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
        moved = {name for name, values in state.extra_inputs.items() if values.any()}
        graph = next(graph for graph in self._graphs if moved <= graph.inputs.keys())  # the least that draws this
        truncation = np.array(state.truncation, np.float32)
        given = {"z": state.z, "y": state.y, "truncation": truncation, "noise": state.noise, **state.extra_inputs}
        for name, tensor in graph.inputs.items():
            tensor[0] = given[name].reshape(tensor.shape[1:])
        graph.request.infer()
        np.copyto(out, graph.output)

    def close(self) -> None:
        del self._graphs

    @classmethod
    def compile(cls, card: ModelCard, folder: Path, target: str, batch: int, say: Say) -> Mapping[str, Any]:
        from engine.runtime.compile.openvino_ir import convert

        convert(card, folder)
        return {}


class _Graph:
    """A compiled graph and its memory: `inputs` by name (1,*shape), `output` (H,W,4) uint8."""

    def __init__(self, compiled: "openvino.CompiledModel") -> None:
        self.request = compiled.create_infer_request()
        self.inputs = {port.get_any_name(): self.request.get_tensor(port).data for port in compiled.inputs}
        self.output = self.request.get_output_tensor(0).data[0]
