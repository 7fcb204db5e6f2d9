"""Executes a network with PyTorch on an NVIDIA card as `cuda` does, of fewer kernels that are compiled at every start."""

from collections.abc import Callable

from engine.core.registry import register
from engine.runtime.backends.cuda import CudaGenerator
from engine.runtime.card import ModelCard


@register("runtime", "cuda-compiled")
class CompiledCudaGenerator(CudaGenerator):
    """As CudaGenerator, in its form `compiled`."""

    def __init__(self, card: ModelCard, threads: int, say: Callable[[str], None], *, batch: int = 1) -> None:
        super().__init__(card, threads, say, form="compiled", batch=batch)
