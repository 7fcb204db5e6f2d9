"""Executes a model's TensorRT plans on an NVIDIA card, without torch: bound memory that stays, one CUDA graph a plan."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.core.cuda import CudaError, DeviceMemory, Graph, PinnedMemory, Stream
from engine.core.registry import register
from engine.core.types import ByteArray, GeneratorInfo, LatentState
from engine.runtime import tensorrt_api
from engine.runtime.accuracy_check import PROOF, check, proofs
from engine.runtime.backend import CompiledBackend, Requirements, Say
from engine.runtime.card import ModelCard
from engine.runtime.compile.compiled_model import compiled
from engine.runtime.input_packing import Packing, fill, least
from engine.runtime.nvidia import cards

PICTURE = "picture"  # the output
HASH_BYTES = 32


@register("runtime", "tensorrt")
class TensorRtGenerator(CompiledBackend):
    """Implements GpuGenerator, for `batch` pictures at once.

    The plans and a proof, drawn in float32, come from `engine.runtime.compile.tensorrt_plan`.

    Raises RuntimeError where TensorRT or a card is missing or too small, a plan does not belong here, or it draws something
    else than the proof; CardError for a model that does not fit together.
    """

    requirements = Requirements(
        packages=("tensorrt-cu13", "tensorrt-cu12", "tensorrt"), install=tensorrt_api.INSTALL["tensorrt"], oldest=(7, 5)
    )
    rank = 500
    draws_on_gpu = True
    precision = "float16"
    compiled_by = ("engine.runtime.compile.onnx_export", "engine.runtime.compile.tensorrt_plan")
    product: ClassVar[str] = "tensorrt"

    def __init__(self, card: ModelCard, threads: int, say: Say, *, batch: int = 1) -> None:
        self.info, self._batch = card.info(self.product), batch
        self._api = tensorrt_api.load(self.product)
        folder, _ = compiled(card, self.product, say, batch)
        self._stream = Stream()
        self._plans = [_Plan(self._api, file, self.info, batch, self._stream, say) for file in sorted(folder.glob("*.plan"))]
        if not self._plans:
            raise RuntimeError(f"expected plans in {folder}; got none")
        self._landing = PinnedMemory(self._plans[0].size)
        self.parity = []
        for state, expected in proofs(folder / PROOF):
            found = np.empty((batch, *expected.shape), np.uint8)
            self.steps([state] * batch, found)
            self.parity.append(check(np.broadcast_to(expected, found.shape), found, f"{card.name} in {self.product}"))

    def step(self, state: LatentState, out: ByteArray) -> None:
        self.steps([state], out[None])

    def steps(self, states: Sequence[LatentState], out: ByteArray) -> None:
        """Draw as many states as the batch has pictures into `out`, (B, H, W, 4) RGBA."""
        plan = self._ask(states)
        self._stream.copy(self._landing.pointer, plan.picture, plan.size)
        self._stream.wait()
        np.copyto(out, self._landing.array.reshape(out.shape))

    def draw_on_gpu(self, state: LatentState, pointer: int) -> None:
        """Draw `state` into (H, W, 4) bytes of the card's memory; they are there when this returns."""
        self.draw_all_on_card([state], pointer)

    def draw_all_on_card(self, states: Sequence[LatentState], pointer: int) -> None:
        """The same with as many states as the batch has pictures, into (B, H, W, 4) bytes."""
        plan = self._ask(states)
        self._stream.copy(pointer, plan.picture, plan.size)
        self._stream.wait()

    def close(self) -> None:
        for plan in self._plans:
            plan.close()
        self._landing.close()
        self._stream.close()

    @classmethod
    def compile_facts(cls, target: str, batch: int) -> Mapping[str, str]:
        here = cards()[0] if cards() else None
        facts = {"pictures": str(batch), "target": target or (here.target if here else "none")}
        return facts if cls.portable or here is None else facts | {"card": here.name, "driver": here.driver}

    @classmethod
    def compile(cls, card: ModelCard, folder: Path, target: str, batch: int, say: Say) -> Mapping[str, Any]:
        from engine.runtime.compile.tensorrt_plan import make_plans

        return make_plans(cls.product, card, folder, target, batch, say)

    def _ask(self, states: Sequence[LatentState]) -> "_Plan":
        """Ask for the pictures on the stream; the plan that draws them."""
        if len(states) != self._batch:
            raise ValueError(f"expected {self._batch} states to draw at once; got {len(states)}")
        plan = least(self._plans, states)
        fill(plan.inputs, states)
        plan.run()
        return plan


class _Plan:
    """A plan and its memory: `inputs`, (B,*shape) each, are read when it runs; the `picture`, `size` bytes, is at a pointer."""

    def __init__(self, api: tensorrt_api.Api, file: Path, info: GeneratorInfo, batch: int, stream: Stream, say: Say) -> None:
        self._api, self._file, self._stream = api, file, stream
        # The bytes were compared with their hash just now: of a foreign plan even the header may harm who reads it.
        self._runtime = api.module.Runtime(api.logger)
        self._engine = self._runtime.deserialize_cuda_engine(file.read_bytes())
        if self._engine is None:
            raise RuntimeError(f"expected a plan for this card and {api.product} {api.version} in {file}; got {self._heard()}")
        names = self._checked(info, batch)
        self.names = frozenset(names)
        packing = Packing.of(info, names, batch)
        width, height = info.resolution
        self.size = batch * width * height * 4
        self._staging, self._block = PinnedMemory(packing.size), DeviceMemory(packing.size)
        self._staging.array[:] = 0
        self.inputs = packing.views(self._staging.array)
        self._output = DeviceMemory(self.size)
        self.picture = self._output.pointer
        self._kernels = _Kernels(api, self._engine, file) if api.portable else None
        config = [] if self._kernels is None else [self._kernels.config]
        self._context = self._engine.create_execution_context(*config)
        if self._context is None:
            raise RuntimeError(f"expected room for {file.name} on the card; got {self._heard()}")
        bound = {name: self._block.pointer + offset for name, offset in packing.offsets.items()}
        for name, pointer in {**bound, PICTURE: self.picture}.items():
            if not self._context.set_tensor_address(name, pointer):
                raise RuntimeError(f"expected to bind {name} of {file}; got {self._heard()}")
        self._work()  # compiles what is compiled late, and takes all memory: neither may happen inside a graph
        stream.wait()
        if self._kernels is not None:
            self._kernels.keep()
        self._graph: Graph | None = None
        try:
            self._graph = Graph(stream, self._work)
            self._graph.launch()
            stream.wait()
        except (CudaError, RuntimeError) as error:
            self._graph = None
            say(f"{file.name} runs without a CUDA graph: {error}")

    def run(self) -> None:
        """Ask for the picture of `inputs`."""
        if self._graph is None:
            self._work()
        else:
            self._graph.launch()

    def close(self) -> None:
        """Give its memory back."""
        if self._graph is not None:
            self._graph.close()
        del self._context, self._kernels, self._engine, self._runtime
        for memory in (self._staging, self._block, self._output):
            memory.close()

    def _work(self) -> None:
        self._stream.copy(self._block.pointer, self._staging.pointer, self._block.size)
        if not self._context.execute_async_v3(self._stream.pointer):
            raise RuntimeError(f"expected {self._file.name} to be drawn; got {self._heard()}")

    def _checked(self, info: GeneratorInfo, batch: int) -> Sequence[str]:
        """The live inputs of the engine. Raises RuntimeError where its inputs and outputs are not the model's."""
        engine, module = self._engine, self._api.module
        found: dict[str, tuple[Any, ...]] = {}
        for name in (engine.get_tensor_name(index) for index in range(engine.num_io_tensors)):
            found[name] = (engine.get_tensor_mode(name), engine.get_tensor_dtype(name), tuple(engine.get_tensor_shape(name)))
        names = [name for name in info.extra_inputs if name in found]
        shapes = Packing.of(info, names, batch).shapes
        wanted = {name: (module.TensorIOMode.INPUT, module.DataType.FLOAT, shape) for name, shape in shapes.items()}
        picture = (batch, *info.resolution[::-1], 4)
        wanted[PICTURE] = (module.TensorIOMode.OUTPUT, module.DataType.UINT8, picture)
        if found != wanted:
            raise RuntimeError(f"expected inputs and outputs {wanted} in {self._file}; got {found}")
        return names

    def _heard(self) -> str:
        """What the library complained of; a lack of memory in the words that are looked for."""
        heard = self._api.complaints() or "no reason"
        words = re.sub("[ _]", "", heard.lower())
        return f"out of memory: {heard}" if "outofmemory" in words else heard


class _Kernels:
    """Kernels that TensorRT for RTX compiled for this card, kept beside the plan so that the second start is quick."""

    def __init__(self, api: tensorrt_api.Api, engine: Any, plan: Path) -> None:
        self._file = plan.with_suffix(".kernels")
        self.config = engine.create_runtime_config()
        self._cache = self.config.create_runtime_cache()
        self._kept = False
        try:
            told, kernels = (kept := self._file.read_bytes())[:HASH_BYTES], kept[HASH_BYTES:]
            if hashlib.sha256(kernels).digest() == told:  # else they are compiled again
                self._kept = bool(self._cache.deserialize(kernels))
        except OSError:
            pass
        self.config.set_runtime_cache(self._cache)

    def keep(self) -> None:
        """Write them down, unless they came from there."""
        if self._kept:
            return
        found = self._cache.serialize()
        if found is None:  # the library could not tell this card from others
            return
        kernels = bytes(memoryview(found))
        part = self._file.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):  # a full disk costs the next start some seconds, and this one nothing
            part.write_bytes(hashlib.sha256(kernels).digest() + kernels)
            part.replace(self._file)
