"""A tensor that is still in its file: its shape is known and checked, its numbers are read when they are wanted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.studio.checkpoint.bounded_reader import CheckpointError, Window

STORAGES = {
    "Double": torch.float64,
    "Float": torch.float32,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
MOST_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor to be: its shape, and a function that reads it."""

    shape: tuple[int, ...]
    read: Callable[[], Tensor]


@dataclass(slots=True)
class Storage:
    """`count` numbers of one kind; `window`, where they lie, may become known after the tensors that view them."""

    dtype: torch.dtype
    count: int
    path: Path
    window: Window | None = None

    def bind(self, window: Window) -> None:
        """Say where the numbers lie. Raises CheckpointError if there are more or fewer than were claimed."""
        if len(window) != self.count * self.dtype.itemsize:
            claimed = f"{self.count} numbers of {self.dtype.itemsize} bytes"
            raise CheckpointError(f"expected a storage of {claimed} in {window.path}; got {len(window)} bytes")
        self.window = window

    def view(self, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> Weight:
        """The tensor that begins at `offset`. Raises CheckpointError if it reaches beyond the storage, or repeats numbers."""
        whole = all(type(n) is int and 0 <= n < 2**48 for n in (offset, *shape, *stride))
        if not whole or len(shape) != len(stride) or len(shape) > MOST_DIMENSIONS:
            raise CheckpointError(
                f"expected a tensor's offset, shape and strides to be sizes in {self.path}; got others, or too many"
            )
        size = 1
        for n in shape:
            size *= n
        last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) if size else 0
        if size > self.count or last >= max(self.count, 1):
            found = f"shape {list(shape)}, strides {list(stride)}"
            raise CheckpointError(f"expected a tensor within its storage of {self.count} numbers in {self.path}; got {found}")
        return Weight(shape, lambda: self._read(offset, shape, stride))

    def _read(self, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
        assert self.window is not None  # a file is read to its end before any tensor is
        if 0 in shape:
            return torch.empty(shape, dtype=self.dtype)
        span = 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
        data = self.window.numbers(offset * self.dtype.itemsize, span * self.dtype.itemsize)
        return torch.frombuffer(data, dtype=self.dtype).as_strided(shape, stride)
