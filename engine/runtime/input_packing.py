"""Where each input of a network lies in one block of memory, so that one copy carries all of them to a card."""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

from engine.core.types import ByteArray, FloatArray, GeneratorInfo, LatentState

ALIGNMENT = 256  # bytes, as cudaMalloc aligns: every library takes an input there
FIRST = ("z", "y", "truncation", "noise")  # inputs that all networks have


class Packing:
    """The places of `shapes`, float32 each, in their order: `offsets` by name and `size` of the whole, in bytes."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.shapes = dict(shapes)
        self.offsets: dict[str, int] = {}
        self.size = 0
        for name, shape in shapes.items():
            self.offsets[name] = self.size
            self.size += math.ceil(4 * math.prod(shape) / ALIGNMENT) * ALIGNMENT

    @classmethod
    def of(cls, info: GeneratorInfo, names: Sequence[str], batch: int = 1) -> "Packing":
        """Of a model's inputs, with the live ones in `names`, for `batch` pictures at once."""
        first = ((info.z_size,), (len(info.class_names),), (1,), info.noise_shape)
        shapes = {**dict(zip(FIRST, first, strict=True)), **{name: info.extra_inputs[name] for name in names}}
        return cls({name: (batch, *shape) for name, shape in shapes.items()})

    def views(self, block: ByteArray) -> dict[str, FloatArray]:
        """The inputs in a block of `size` bytes, (B,*shape) each: its own memory."""
        return {name: self._view(block, name, shape) for name, shape in self.shapes.items()}

    def _view(self, block: ByteArray, name: str, shape: tuple[int, ...]) -> FloatArray:
        begin = self.offsets[name]
        return block[begin : begin + 4 * math.prod(shape)].view(np.float32).reshape(shape)


def fill(views: Mapping[str, FloatArray], states: Sequence[LatentState]) -> None:
    """Write one state a picture into the views of a packing; inputs that it does not have are left out."""
    for row, state in enumerate(states):
        truncation = np.array(state.truncation, np.float32)
        given = {"z": state.z, "y": state.y, "truncation": truncation, "noise": state.noise, **state.extra_inputs}
        for name, view in views.items():
            view[row] = given[name].reshape(view.shape[1:])


class Program(Protocol):
    """A network ready to run, with the live inputs in `names` and no others."""

    names: frozenset[str]


AnyProgram = TypeVar("AnyProgram", bound=Program)


def least(programs: Sequence[AnyProgram], states: Sequence[LatentState]) -> AnyProgram:
    """The first program that has every live input which is not at rest: they are sorted by what they cost."""
    moved = {name for state in states for name, values in state.extra_inputs.items() if values.any()}
    return next(program for program in programs if moved <= program.names)
