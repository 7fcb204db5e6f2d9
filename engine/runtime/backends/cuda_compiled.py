"""Executes a network with PyTorch on an NVIDIA card as `cuda` does, of fewer kernels that are compiled at every start."""

from engine.core.registry import register
from engine.runtime.backend import Say
from engine.runtime.backends.cuda import CudaGenerator
from engine.runtime.card import ModelCard


@register("runtime", "cuda-compiled")
class CompiledCudaGenerator(CudaGenerator):
    """As CudaGenerator, in its form `compiled`."""

    rank = 0  # only for whoever names it: a minute without pictures is not auto's to take

    def __init__(self, card: ModelCard, threads: int, say: Say, *, batch: int = 1) -> None:
        super().__init__(card, threads, say, form="compiled", batch=batch)
