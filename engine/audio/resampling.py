"""Blocks of any length and rate in, hops at the analysis rate out: the one place where sound is resampled."""

from typing import Any

import numpy as np
import soxr

from engine.audio.source import clean
from engine.core.types import FloatArray


class Rehop:
    """Cleans, resamples (soxr, high quality; nothing at equal rates) and cuts into hops."""

    def __init__(self, from_hz: int, rate_hz: int, channels: int, hop: int) -> None:
        # Cleaned before it is resampled: a NaN would spread over the filter's length.
        self._from_hz, self._rate_hz = rate_hz, rate_hz
        self._resampler: Any = None
        self._rest = np.zeros((0, channels), np.float32)
        self._hop = hop
        self.change_rate(from_hz)

    def change_rate(self, from_hz: int) -> None:
        """What comes from here on has this rate; what the filter still holds of the other comes first."""
        if from_hz == self._from_hz:
            return
        channels = self._rest.shape[1]
        if self._resampler is not None:
            tail = self._resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True)
            self._rest = np.concatenate([self._rest, tail])
        self._from_hz = from_hz
        self._resampler = None if from_hz == self._rate_hz else soxr.ResampleStream(from_hz, self._rate_hz, channels)

    @property
    def waiting(self) -> int:
        """Frames that no hop was made of yet."""
        return len(self._rest)

    def push(self, block: FloatArray, last: bool = False) -> None:
        """Take (n, channels) in; after the `last`, the hop it ends in is filled up with silence."""
        block = clean(block)
        if self._resampler is not None:
            block = self._resampler.resample_chunk(block, last=last)
        short = -(len(self._rest) + len(block)) % self._hop if last else 0
        self._rest = np.concatenate([self._rest, block, np.zeros((short, block.shape[1]), np.float32)])

    def pop(self) -> FloatArray | None:
        """The next hop (hop, channels), or None if more has to come first."""
        if len(self._rest) < self._hop:
            return None
        out, self._rest = self._rest[: self._hop], self._rest[self._hop :]
        return out
