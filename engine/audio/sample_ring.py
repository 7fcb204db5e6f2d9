"""A ring of sound between a device's callback and the analysis thread."""

import numpy as np

from engine.core.types import FloatArray


class SampleRing:
    """Holds the newest `frames` frames. One thread writes, one reads; neither waits for the other.

    A reader that falls a whole ring behind goes on with the newest sound; what it missed is counted as one overflow.
    """

    def __init__(self, frames: int, channels: int) -> None:
        self._data = np.zeros((frames, channels), np.float32)
        self._written = self._read = 0  # frames since the start; each is stored by one side only
        self.overflows = 0

    @property
    def filled(self) -> int:
        """Frames that wait."""
        return self._written - self._read

    def write(self, block: FloatArray) -> None:
        """Copy (n, channels) in; of more than the ring holds, the end."""
        size = len(self._data)
        dropped = max(0, len(block) - size)
        block = block[dropped:]
        start = (self._written + dropped) % size
        first = min(len(block), size - start)
        self._data[start : start + first] = block[:first]
        self._data[: len(block) - first] = block[first:]
        self._written += dropped + len(block)

    def read(self, n: int) -> FloatArray | None:
        """Copy the oldest n frames out, or None if there are fewer."""
        written, size = self._written, len(self._data)
        if written - self._read < n:
            return None
        # The writer may be busy in the frame after `written`: a quarter of the ring stays out of its way.
        if written - self._read > size - size // 4:
            self.overflows += 1
            self._read = written - n
        start = self._read % size
        first = min(n, size - start)
        out = np.empty((n, self._data.shape[1]), np.float32)
        out[:first] = self._data[start : start + first]
        out[first:] = self._data[: n - first]
        self._read += n
        return out
