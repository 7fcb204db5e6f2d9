"""Base of sources that make their sound themselves."""

import time
from abc import ABC, abstractmethod
from threading import Event

import numpy as np

from engine.audio.hop_timer import HopTimer
from engine.audio.source import AudioHop, SourceStatus, level_of, mono_hop
from engine.core.types import FloatArray


class GeneratedSource(ABC):
    """Delivers what `render` makes, in time when `paced`, else at once."""

    name = "generated"
    inputs: tuple[str, ...] = ("main",)
    channels = 2
    ended = False

    def __init__(self, rate_hz: int, hop: int, paced: bool) -> None:
        self.rate_hz, self.hop = rate_hz, hop
        self._clock = HopTimer(hop / rate_hz) if paced else None
        self._closed = Event()
        self._index = 0
        self._level = 0.0

    @abstractmethod
    def render(self, index: int) -> FloatArray:
        """Hop number `index` as (hop, 2)."""

    def read(self, timeout_s: float) -> AudioHop | None:
        if self._closed.is_set():
            return None
        due = time.monotonic() if self._clock is None else self._clock.wait(timeout_s, self._closed)
        if due is None:
            return None
        stereo = np.ascontiguousarray(self.render(self._index), dtype=np.float32)
        self._index += 1
        self._level = level_of(stereo)
        return mono_hop(stereo, due)

    def status(self) -> SourceStatus:
        return SourceStatus(self.name, self.rate_hz, overflows=0, lost=False, level=self._level)

    def close(self) -> None:
        self._closed.set()
