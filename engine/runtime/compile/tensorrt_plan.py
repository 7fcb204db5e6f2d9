"""TensorRT's plans: built from ONNX, for this card or for others; and the network that was parsed, looked into and checked.

Networks are strongly typed: whatever is half or float32 in the ONNX file is so in the plan, and nothing else decides it. A
plan holds code for cards: it is only ever to be read from bytes whose hash, product, version and card were compared before.
"""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.runtime import tensorrt_api
from engine.runtime.card import ModelCard
from engine.runtime.tensorrt_api import Api

Capability = tuple[int, int]  # (8, 6) is compute capability 8.6
HALF, FULL = "float16", "float32"
COLOURS = 4  # a convolution of so few maps, or of each by itself, is one over pictures or a filter: it may stay in float32
TELL_S = 0.25  # between two words about the progress
_NAMES = {"HALF": HALF, "FLOAT": FULL, "BF16": "bfloat16", "UINT8": "uint8", "INT8": "int8", "INT32": "int32", "INT64": "int64"}
_KINDS = {"CONVOLUTION": "convolution", "DECONVOLUTION": "transposed convolution", "MATRIX_MULTIPLY": "matrix product"}
_CLASSES = {"CONVOLUTION": "IConvolutionLayer", "DECONVOLUTION": "IDeconvolutionLayer"}


class PlanError(RuntimeError):
    """A network that cannot be built, or a plan that cannot be used; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # as numpy calls it


@dataclass(frozen=True, slots=True)
class Work:
    """A layer that multiplies and adds. `kind`: convolution, transposed convolution or matrix product."""

    name: str
    kind: str
    dtype: str  # that it computes in
    maps: int  # that each of its outputs is summed over


@dataclass(frozen=True, slots=True)
class Graph:
    """What a network takes and gives, and in what precision its work is done."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    work: tuple[Work, ...]


def inspect(api: Api, onnx_file: Path) -> Graph:
    """The network in an ONNX file as TensorRT understands it. Needs no card. Raises PlanError."""
    network = _Parsed(api, onnx_file).network
    layers = (network.get_layer(index) for index in range(network.num_layers))
    return Graph(
        inputs=tuple(_port(network.get_input(index)) for index in range(network.num_inputs)),
        outputs=tuple(_port(network.get_output(index)) for index in range(network.num_outputs)),
        work=tuple(_work(api, layer) for layer in layers if layer.type.name in _KINDS),
    )


def check(graph: Graph, inputs: Mapping[str, tuple[int, ...]], picture: tuple[int, ...], half: bool) -> None:
    """Compare a network with what was asked for: its inputs, float32, each by name and shape; its picture (B,H,W,4) uint8.

    With `half`, all its convolutions must be half, but those over pictures and filters, which may be. Raises PlanError.
    """
    found = {port.name: (port.shape, port.dtype) for port in graph.inputs}
    expected = {name: (shape, FULL) for name, shape in inputs.items()}
    if found != expected:
        raise PlanError(f"expected the inputs {expected}; got {found}")
    outputs = [(port.shape, port.dtype) for port in graph.outputs]
    if outputs != [(picture, "uint8")]:
        raise PlanError(f"expected one picture of {picture}, uint8; got {outputs}")
    drawn = [work for work in graph.work if work.kind != "matrix product" and work.maps > COLOURS]
    if not half:
        wrong = [work for work in graph.work if work.dtype != FULL]
    else:
        wrong = [work for work in drawn if work.dtype != HALF]
    if wrong:
        names = ", ".join(f"{work.name} in {work.dtype}" for work in wrong[:8])
        raise PlanError(f"expected all convolutions in {HALF if half else FULL}; got {len(wrong)} in others: {names}")


def build(api: Api, onnx_file: Path, capabilities: Sequence[Capability], say: Callable[[str], None]) -> bytes:
    """The plan of the network in an ONNX file, which may have its weights beside it.

    `capabilities` are the cards it is for; none: this machine's first card, which must then be there. Only a portable product
    builds for others. `say` hears how far it is, from the library's threads. To give up, end the process. Raises ValueError
    for cards that the product does not know, PlanError.
    """
    parsed = _Parsed(api, onnx_file)
    config = parsed.builder.create_builder_config()
    if api.portable:  # else it may take memory while it runs, which a CUDA graph cannot hold
        config.set_flag(api.module.BuilderFlag.REQUIRE_USER_ALLOCATION)
    config.clear_flag(api.module.BuilderFlag.TF32)  # what is float32 in the graph is so because ten bits are too few
    _target(api, config, capabilities)
    monitor = _monitor(api, say)
    config.progress_monitor = monitor
    plan = parsed.builder.build_serialized_network(parsed.network, config)
    if plan is None:
        raise PlanError(f"expected {api.product} {api.version} to build {onnx_file.name}; got {api.complaints() or 'no plan'}")
    return bytes(plan)


def make_plans(
    product: str, card: ModelCard, folder: Path, target: str, batch: int, say: Callable[[str], None]
) -> Mapping[str, Any]:
    """Write a model's plans, 0.plan, 1.plan ..., one with fewer inputs before one with more, and what they must draw.

    Needs torch. `target` is another card's compute capability, as in sm86. Returns notes for the manifest.
    """
    from engine.runtime.accuracy_check import PROOF, keep
    from engine.runtime.compile.onnx_export import export
    from engine.runtime.input_packing import Packing
    from engine.runtime.picture_network import load_network, variants
    from engine.runtime.reference_outputs import drawn

    api = tensorrt_api.load(product)
    capabilities = ((int(target[2:-1]), int(target[-1])),) if target else ()
    notes: dict[str, Any] = {"product": f"{api.product} {api.version}"}
    for index, names in enumerate(variants(load_network(card))):
        about = f"plan {index}"
        say(f"{about}: exporting the network")
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "network.onnx"
            export(card, file, half=True, names=names, batch=batch, half_filters=api.half_filters)
            graph = inspect(api, file)
            shapes = Packing.of(card.info(product), names, batch).shapes
            check(graph, shapes, (batch, *card.resolution[::-1], 4), half=True)
            plan = build(api, file, capabilities, partial(_tell, say, about))
        (folder / f"{index}.plan").write_bytes(plan)
        notes[about] = dict(Counter(f"{work.kind} in {work.dtype}" for work in graph.work))
    say("proof: drawing what the plans must draw")
    keep(folder / PROOF, drawn(card))
    return notes


def _tell(say: Callable[[str], None], about: str, words: str) -> None:
    say(f"{about}: {words}")


class _Parsed:
    """A network, with what must live as long as it does. Raises PlanError."""

    def __init__(self, api: Api, onnx_file: Path) -> None:
        api.heard.clear()
        self.builder = api.module.Builder(api.logger)
        typed = 1 << int(api.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)  # TensorRT 11 has no other, 10 has
        self.network = self.builder.create_network(typed)
        self._parser = api.module.OnnxParser(self.network, api.logger)
        if not self._parser.parse_from_file(str(onnx_file)) or not self.network.num_outputs:
            errors = [self._parser.get_error(index) for index in range(self._parser.num_errors)]
            words = "; ".join(f"{error.node_name() or 'the file'}: {' '.join(error.desc().split())}" for error in errors)
            raise PlanError(f"expected a network that {api.product} {api.version} knows in {onnx_file}; got {words or 'none'}")


def _target(api: Api, config: Any, capabilities: Sequence[Capability]) -> None:
    if not api.portable:
        if not capabilities:
            return
        raise ValueError(f"expected {api.product} to build for this machine's card; got {_dotted(capabilities)}")
    names = api.module.ComputeCapability.__members__
    known = {divmod(int(name[2:]), 10): value for name, value in names.items() if name.startswith("SM")}
    if not known.keys() >= set(capabilities):
        made_for = f"cards that {api.product} {api.version} is made for, {_dotted(known)}"
        raise ValueError(f"expected {made_for}; got {_dotted(capabilities)}")
    targets = [known[capability] for capability in capabilities] or [names["CURRENT"]]
    config.num_compute_capabilities = len(targets)
    for index, target in enumerate(targets):
        config.set_compute_capability(target, index)


def _monitor(api: Api, say: Callable[[str], None]) -> Any:
    """Tells which phase is under way and how far it is, at most a few times a second."""

    class Monitor(api.module.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            api.module.IProgressMonitor.__init__(self)
            self._lock, self._steps, self._told_s = threading.Lock(), dict[str, int](), 0.0

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            with self._lock:
                self._steps[phase] = steps

        def step_complete(self, phase: str, step: int) -> bool:
            with self._lock:
                now_s = time.monotonic()
                if now_s - self._told_s >= TELL_S:
                    self._told_s = now_s
                    say(f"building: {phase}, {step + 1} of {self._steps.get(phase, step + 1)}")
            return True

        def phase_finish(self, phase: str) -> None:
            with self._lock:
                self._steps.pop(phase, None)

    return Monitor()


def _port(tensor: Any) -> Port:
    return Port(tensor.name, tuple(tensor.shape), _dtype(tensor))


def _work(api: Api, layer: Any) -> Work:
    kind, maps = layer.type.name, layer.get_input(0).shape
    if kind in _CLASSES:
        layer.__class__ = getattr(api.module, _CLASSES[kind])  # the bindings' own way to the rest of a layer
        return Work(layer.name, _KINDS[kind], _dtype(layer.get_input(0)), maps[1] // layer.num_groups)
    return Work(layer.name, _KINDS[kind], _dtype(layer.get_input(0)), maps[-1])


def _dtype(tensor: Any) -> str:
    name: str = tensor.dtype.name
    return _NAMES.get(name, name.lower())


def _dotted(capabilities: Sequence[Capability] | Mapping[Capability, Any]) -> str:
    return ", ".join("{}.{}".format(*capability) for capability in sorted(capabilities))
