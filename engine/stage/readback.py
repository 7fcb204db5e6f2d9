"""Reads drawn pictures back one picture late, through two pixel buffers, so that nothing waits for the card."""

from collections import deque
from typing import Any

import numpy as np

from engine.core.types import ByteArray
from engine.stage.gl_context import Waiter

IDLE_PICTURES = 4  # memory kept for the next pictures; what more was in use at once goes back to the system


class Readback:
    """Call `push` after each draw; it returns the picture of the push before. For the thread of the context."""

    def __init__(self, context: Any, size: tuple[int, int]) -> None:
        self.size = size
        self._buffers = [context.buffer(reserve=size[0] * size[1] * 4) for _ in range(2)]
        self._marks: list[Any] = [None, None]
        self._waiter = Waiter()
        self._next = 0
        self._idle: deque[ByteArray] = deque(maxlen=IDLE_PICTURES)

    def push(self, framebuffer: Any) -> ByteArray | None:
        """Begin to read `framebuffer`, of this size; return the picture pushed before (see `last`), or None at first."""
        picture = self.last()
        framebuffer.read_into(self._buffers[self._next], components=4)
        self._marks[self._next] = self._waiter.mark()
        return picture

    def last(self) -> ByteArray | None:
        """The newest picture pushed, once: (H, W, 4) RGBA, top row first, read-only; None if there is none left.

        Its memory is its own for as long as anything looks at it, from whichever thread.
        """
        index = self._next
        if self._marks[index] is None:
            return None
        self._waiter.until(self._marks[index])
        self._marks[index] = None
        memory = self._idle.pop() if self._idle else np.empty((self.size[1], self.size[0], 4), np.uint8)
        self._buffers[index].read_into(memory)
        self._next = 1 - index
        picture = np.asarray(_Lent(memory, self._idle))
        picture.flags.writeable = False
        return picture[::-1]  # GL counts rows from below

    def release(self) -> None:
        """Give the buffers back."""
        for buffer in self._buffers:
            buffer.release()


class _Lent:
    """Memory of a picture: every array that looks at it holds this, and when the last one is gone, it can be used again."""

    def __init__(self, memory: ByteArray, idle: deque[ByteArray]) -> None:
        self.__array_interface__ = memory.__array_interface__
        self._memory, self._idle = memory, idle

    def __del__(self) -> None:
        self._idle.append(self._memory)
