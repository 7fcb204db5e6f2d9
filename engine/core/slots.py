"""Slots: the newest value of one writer, for any number of readers, without queues and without waiting.

`LocalSlot` passes an immutable object between threads. `SharedSlot` passes arrays between processes. Both have one writer
at a time; a reader that comes late sees the newest value only.
"""

import os
import secrets
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Record = Mapping[str, Any]
_CELLS = 3
_HEAD = 64  # bytes: the number of the newest cell, on a cache line of its own
_TRIES = 8
_attaching = threading.Lock()


class Slot(Protocol[T]):
    """What both slots offer. Values are numbered from 1 as they are put."""

    def put(self, value: T) -> None:
        """Make `value` the newest. Never waits."""

    def get(self) -> T | None:
        """The newest value, or None before the first."""

    def newer(self, than: int) -> tuple[int, T] | None:
        """The newest value and its number, or None if that number is not above `than`. Never waits."""


class LocalSlot(Generic[T]):
    """The newest immutable object of a thread. One attribute store is all it takes: readers see the old or the new one."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: tuple[int, T] | None = None

    def put(self, value: T) -> None:
        held = self._held
        self._held = (1 if held is None else held[0] + 1, value)

    def get(self) -> T | None:
        held = self._held
        return None if held is None else held[1]

    def newer(self, than: int) -> tuple[int, T] | None:
        held = self._held
        return None if held is None or held[0] <= than else held


class SharedSlot:
    """The newest record of a process, in shared memory: three cells written in turn, so that the newest stays untouched.

    The writer numbers a cell at its beginning before it fills it, and at its end after; a reader copies the cell first and
    then believes the copy only if both numbers are the one it came for (a sequence lock, Lamport 1977; triple buffer).
    A writer that dies half-way leaves the last whole record in place. A writer that has been replaced still holds the old
    segment, whose name is gone: it cannot reach the readers of the new one.

    Records are mappings from the field names of `dtype` to arrays or numbers; `get` returns copies.
    """

    def __init__(self, dtype: np.dtype[Any], memory: SharedMemory, owner: bool) -> None:
        if memory.buf is None:
            raise ValueError(f"expected an open segment; got {memory.name}, which is closed")
        # frombuffer, unlike ndarray(buffer=...), keeps the memory from being unmapped while an array still looks at it.
        self._newest: NDArray[np.uint64] | None = np.frombuffer(memory.buf, np.uint64, 1)
        self._cells: NDArray[np.void] | None = np.frombuffer(memory.buf, _cell(dtype), _CELLS, _HEAD)
        self._memory, self._owner, self.fields = memory, owner, dtype.names or ()  # after the arrays, so freed after them

    @property
    def name(self) -> str:
        """What `attach` takes, in another process."""
        return self._memory.name

    @classmethod
    def create(cls, dtype: np.dtype[Any]) -> "SharedSlot":
        """A new empty segment, removed from the system by `close`. Raises OSError if there is no room for it."""
        size = _HEAD + _CELLS * _cell(dtype).itemsize
        memory = SharedMemory(f"clavilux-{os.getpid()}-{secrets.token_hex(4)}", create=True, size=size)
        try:
            _reserve(memory)
        except OSError:
            memory.close()
            memory.unlink()
            raise
        return cls(dtype, memory, owner=True)

    @classmethod
    def attach(cls, name: str, dtype: np.dtype[Any]) -> "SharedSlot":
        """The segment that another process created. Raises FileNotFoundError if it is gone."""
        if sys.version_info >= (3, 13):
            return cls(dtype, SharedMemory(name, track=False), owner=False)
        # Before 3.13 the tracker of the process that attaches would unlink the segment under its creator's feet.
        with _attaching:
            register = resource_tracker.register
            resource_tracker.register = lambda name, rtype: None
            try:
                memory = SharedMemory(name)
            finally:
                resource_tracker.register = register
        return cls(dtype, memory, owner=False)

    def put(self, value: Record) -> None:
        """Copy every field of `value` into the next cell and make it the newest. Does nothing once closed."""
        newest, cells = self._newest, self._cells
        if newest is None or cells is None:
            return
        number = int(newest[0]) + 1
        cell = cells[number % _CELLS]
        cell["begin"] = number
        record = cell["record"]
        for field in self.fields:
            record[field] = value[field]
        cell["end"] = number
        newest[0] = number

    def get(self) -> Record | None:
        found = self.newer(0)
        return None if found is None else found[1]

    def newer(self, than: int) -> tuple[int, Record] | None:
        newest, cells = self._newest, self._cells
        if newest is None or cells is None:
            return None
        for _ in range(_TRIES):
            number = int(newest[0])
            if number <= than:
                return None
            cell = cells[number % _CELLS]
            end = int(cell["end"])
            copy = cell["record"].copy()
            if end == number == int(cell["begin"]):
                return number, {field: copy[field] for field in self.fields}
        return None  # a writer that laps the reader eight times: the caller asks again anyway

    def close(self) -> bool:
        """Let go of the segment; its creator also removes it from the system. False if another thread still reads it."""
        self._newest = self._cells = None
        if self._owner:
            self._owner = False
            with suppress(FileNotFoundError):
                self._memory.unlink()
        try:
            self._memory.close()
        except BufferError:
            return False
        return True


def _cell(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([("begin", np.uint64), ("record", dtype), ("end", np.uint64)], align=True)


def _reserve(memory: SharedMemory) -> None:
    """Take the pages now: a full /dev/shm is an error here, but would be a SIGBUS at the first write."""
    descriptor = getattr(memory, "_fd", -1)
    if hasattr(os, "posix_fallocate") and descriptor >= 0:
        os.posix_fallocate(descriptor, 0, memory.size)
