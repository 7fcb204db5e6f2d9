"""Executes a model's plans with TensorRT for RTX: GeForce and RTX cards, whose kernels are compiled at the first start."""

from typing import ClassVar

from engine.core.registry import register
from engine.runtime.backends.tensorrt import TensorRtGenerator


@register("runtime", "tensorrt-rtx")
class TensorRtRtxGenerator(TensorRtGenerator):
    """As TensorRtGenerator, with the other product."""

    product: ClassVar[str] = "tensorrt-rtx"
