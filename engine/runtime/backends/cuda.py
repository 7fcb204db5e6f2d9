"""Executes a network with PyTorch on an NVIDIA card: half precision, channels last, one CUDA graph a set of live inputs."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.cuda import Stream
from engine.core.registry import register
from engine.core.types import ByteArray, GeneratorInfo, LatentState
from engine.runtime.accuracy_check import check, fresh
from engine.runtime.backend import Backend, Requirements, Say
from engine.runtime.card import ModelCard
from engine.runtime.input_packing import Packing, fill, least

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engine.core.network import Network

Proofs = Sequence[tuple[Sequence[str], list[LatentState]]]  # live inputs, and states to draw with them
FORMS = ("graph", "compiled", "eager")
TRIES = 10  # pictures, to tell which of two forms is faster
# What a network is tried as: its name, whether it is folded, and whether cuDNN searches for its kernels.
WAYS = (("guessed", False, False), ("folded", True, True), ("plain", False, True))
HOPELESS = 3.0  # times as slow as another form: not worth the search for its fastest kernels
NO_ROOM = ("out of memory", "ALLOC_FAILED", "nable to find an engine")  # CUDA's words, cuBLAS's, cuDNN's for its workspaces
WARM_RUNS = 3  # before a graph is captured: libraries choose their kernels and take their memory


@register("runtime", "cuda")
class CudaGenerator(Backend):
    """Implements GpuGenerator, for `batch` pictures at once.

    `form` says how the network is run: as a CUDA graph, as a graph of what torch.compile made of it, which takes a minute
    or more to start, or kernel by kernel. A network that can be folded (see Network) is tried both ways, and the fastest one
    plays; `tried_ms` are their times. Whichever it is, its first pictures are compared with those of the network in float32;
    `parity` is what came of it.

    Raises CardError for a model that does not fit together, and RuntimeError where there is no card, where its memory does
    not suffice, where CUDA fails, and where half precision draws something else.
    """

    requirements = Requirements(
        packages=("torch",), install="install PyTorch for CUDA: pip install torch --index-url as its website says", oldest=(7, 5)
    )
    rank = 300
    draws_on_gpu = True

    def __init__(self, card: ModelCard, threads: int, say: Say, *, form: str = "graph", batch: int = 1) -> None:
        import torch

        from engine.runtime.picture_network import halve, load_network, variants

        if form not in FORMS:
            raise ValueError(f"expected a form, one of {', '.join(FORMS)}; got {form!r}")
        if not torch.cuda.is_available():
            raise RuntimeError(f"expected an NVIDIA card and PyTorch for CUDA; got PyTorch {torch.__version__}, which sees none")
        torch.set_num_threads(threads)
        torch.backends.cudnn.benchmark = False  # until the networks that play are built
        torch.backends.cudnn.deterministic = True  # of those that always draw the same
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False  # attention sums over thousands
        torch.backends.cudnn.allow_tf32 = False  # what stays float32 stays so on purpose
        self.info, self._batch = card.info("cuda"), batch
        with _in_words(f"compiling {card.name}"):
            network = load_network(card).to("cuda")
            proofs = [(names, fresh(self.info, names, batch)) for names in variants(network)]
            expected = [_drawn(network, self.info, names, states) for names, states in proofs]
            halve(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
            torch.cuda.empty_cache()
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self._inference, self._on_stream = torch.inference_mode, partial(torch.cuda.stream, self._stream)
            self._queue: Stream | None = None
            first = "eager" if form == "eager" else "graph"
            self.tried_ms: dict[str, float] = {}
            self._programs = self._fastest(network, proofs, first)
            if form == "compiled":
                say(f"compiling {card.name}; takes a minute or more")
                self._programs = self._built(network, proofs, form)
            torch.cuda.empty_cache()
            self._landing = torch.empty(expected[0].shape, dtype=torch.uint8, pin_memory=True)
            self.parity = []
            for (names, states), picture in zip(proofs, expected, strict=True):
                found = np.empty_like(picture)
                self.steps(states, found)
                self.parity.append(check(picture, found, f"{card.name} in half precision with {', '.join(names) or 'no'} inputs"))

    def step(self, state: LatentState, out: ByteArray) -> None:
        self.steps([state], out[None])

    def steps(self, states: Sequence[LatentState], out: ByteArray) -> None:
        """Draw as many states as the batch has pictures into `out`, (B, H, W, 4) RGBA."""
        with _in_words("drawing"):
            picture = self._draw(states)
            with self._on_stream():
                self._landing.copy_(picture, non_blocking=True)
            self._stream.synchronize()
        np.copyto(out, self._landing.numpy())

    def draw_on_gpu(self, state: LatentState, pointer: int) -> None:
        """Draw `state` into (H, W, 4) bytes of the card's memory; they are there when this returns."""
        self.draw_all_on_card([state], pointer)

    def draw_all_on_card(self, states: Sequence[LatentState], pointer: int) -> None:
        """The same with as many states as the batch has pictures, into (B, H, W, 4) bytes."""
        with _in_words("drawing"):
            picture = self._draw(states)
            self._queue = self._queue or Stream(self._stream.cuda_stream)
            self._queue.copy(pointer, picture.data_ptr(), picture.nbytes)
            self._stream.synchronize()

    def device_ms(self, times: int) -> float:
        """Milliseconds that the card works on a picture when it is never idle: the mean over `times`."""
        import torch

        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        with self._inference(), self._on_stream():
            for index in range(times + 2):  # the first ones may still choose kernels
                if index == 2:
                    begin.record()
                self._programs[0].run()
            end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / times

    def close(self) -> None:
        import torch

        del self._programs, self._landing
        torch.cuda.empty_cache()

    def _built(self, network: "Network", proofs: Proofs, form: str) -> list["_Program"]:
        """A program for each set of live inputs, with the state of its proof to draw."""
        import torch

        pool = torch.cuda.graph_pool_handle()
        programs = []
        for names, states in proofs:
            program = _Program(network, names, self.info, self._batch, self._stream, form, pool)
            fill(program.inputs, states)
            programs.append(program)
        return programs

    def _fastest(self, network: "Network", proofs: Proofs, form: str) -> list["_Program"]:
        """The programs of whichever is faster, the network as it is or folded; it is left that way.

        cuDNN finds the fastest kernels by trying all there are, which is right where shapes never change. But some take seconds
        to try, or fail: what can be folded is first taken with the kernels that cuDNN would guess.
        """
        import torch

        from engine.runtime.picture_network import draw_folded, fold

        best: list[_Program] = []
        best_ms, failed = math.inf, RuntimeError(f"expected a form of {self.info.name} that runs")
        best_folded = False
        for name, folded, search in WAYS if fold(network) else WAYS[-1:]:
            if search and self.tried_ms.get("guessed", 0.0) > HOPELESS * best_ms:
                continue
            draw_folded(network, folded)
            torch.backends.cudnn.benchmark = search
            try:
                self._programs = self._built(network, proofs, form)
                self.tried_ms[name] = self.device_ms(TRIES)
            except RuntimeError as error:  # too little memory for both, or no kernel for one of them
                failed = error.with_traceback(None)  # which would hold what was built
                continue
            if self.tried_ms[name] < best_ms:
                best, best_ms, best_folded = self._programs, self.tried_ms[name], folded
        if not best:
            raise failed
        draw_folded(network, best_folded)
        torch.backends.cudnn.benchmark = True
        return best

    def _draw(self, states: Sequence[LatentState]) -> "Tensor":
        """Ask for the picture (B,H,W,4) on the stream. It stays as it is until the next one is asked for."""
        if len(states) != self._batch:
            raise ValueError(f"expected {self._batch} states to draw at once; got {len(states)}")
        program = least(self._programs, states)
        fill(program.inputs, states)
        with self._inference(), self._on_stream():
            return program.run()


class _Program:
    """The network with some live inputs: `inputs`, (B,*shape) each, are read when it runs."""

    def __init__(
        self,
        network: "Network",
        names: Sequence[str],
        info: GeneratorInfo,
        batch: int,
        stream: "torch.cuda.Stream",
        form: str,
        pool: Any,
    ) -> None:
        import torch

        from engine.runtime.picture_network import Picture

        self.names = frozenset(names)
        packing = Packing.of(info, names, batch)
        self._staging = torch.zeros(packing.size, dtype=torch.uint8, pin_memory=True)
        self.inputs = packing.views(self._staging.numpy())
        self._block = torch.zeros(packing.size, dtype=torch.uint8, device="cuda")
        self._given = [
            self._block[packing.offsets[name] :].view(torch.float32)[: view.size].view(view.shape)
            for name, view in self.inputs.items()
        ]
        torch.cuda.synchronize()  # weights and memory were made on another stream
        picture = Picture(network, names)
        options: dict[str, Any] = {"freezing": True}  # what depends on the weights alone is computed once
        self._module = torch.compile(picture, fullgraph=True, dynamic=False, options=options) if form == "compiled" else picture
        self._graph: torch.cuda.CUDAGraph | None = None
        self._picture = torch.empty(0)
        if form == "eager":
            return
        with torch.inference_mode():
            with torch.cuda.stream(stream):
                for _ in range(WARM_RUNS):
                    self._picture = self._module(*self._given).contiguous()
            stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                self._picture = self._module(*self._given).contiguous()
        self._graph = graph

    def run(self) -> "Tensor":
        """Ask for the picture of `inputs` on the current stream."""
        self._block.copy_(self._staging, non_blocking=True)
        if self._graph is None:
            self._picture = self._module(*self._given).contiguous()
        else:
            self._graph.replay()
        return self._picture


def _drawn(network: "Network", info: GeneratorInfo, names: Sequence[str], states: Sequence[LatentState]) -> ByteArray:
    """What the network as it is draws (B,H,W,4), on its own device."""
    import torch

    from engine.runtime.picture_network import Picture

    packing = Packing.of(info, names, len(states))
    block = np.zeros(packing.size, np.uint8)
    inputs = packing.views(block)
    fill(inputs, states)
    given = [torch.from_numpy(view).to("cuda") for view in inputs.values()]
    with torch.inference_mode():
        picture: ByteArray = Picture(network, names)(*given).contiguous().cpu().numpy()
    return picture


@contextmanager
def _in_words(doing: str) -> Iterator[None]:
    """Tell errors of CUDA's and its libraries apart from others, in one line."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one, and says so
        if any(words in str(error) for words in NO_ROOM):
            raise RuntimeError(f"out of memory on the card while {doing}: {_first_line(error)}") from error
        if any(name in str(error) for name in ("CUDA", "cuDNN", "cuBLAS", "CUBLAS")):
            raise RuntimeError(f"CUDA error while {doing}: {_first_line(error)}") from error
        raise


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
