"""Executes a model's plans with TensorRT for RTX: GeForce and RTX cards, whose kernels are compiled at the first start."""

from typing import ClassVar

from engine.core.registry import register
from engine.runtime import tensorrt_api
from engine.runtime.backend import Requirements
from engine.runtime.backends.tensorrt import TensorRtGenerator


@register("runtime", "tensorrt-rtx")
class TensorRtRtxGenerator(TensorRtGenerator):
    """As TensorRtGenerator, with the other product."""

    requirements = Requirements(
        packages=("tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu13", "tensorrt-rtx"),
        install=tensorrt_api.INSTALL["tensorrt-rtx"],
        oldest=(7, 5),
        only=((7, 5), (8, 0), (8, 6), (8, 9), (12, 0), (12, 1)),  # those that TensorRT for RTX 1.7 is made for
    )
    rank = 400
    portable = True
    product: ClassVar[str] = "tensorrt-rtx"
