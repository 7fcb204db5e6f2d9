"""Sound from a file: all that libsndfile or FFmpeg read, a video's sound too; heard while it is performed."""

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from engine.audio.decoding import decoded
from engine.audio.playback import Playback
from engine.audio.resampling import Rehop
from engine.audio.source import AudioHop, SourceStatus, level_of, mono_hop
from engine.core.types import FloatArray


class FileSource:
    """Streams `path` from `from_s`: at once, or `paced` by the output device that plays it (in real time where there is none).

    Raises OSError for a file that holds no sound.
    """

    inputs: tuple[str, ...] = ("main",)
    channels = 2

    def __init__(self, path: Path, rate_hz: int, hop: int, loop: bool, paced: bool, from_s: float = 0.0) -> None:
        self._read = self._made = 0  # hops
        self._round = (0, from_s)  # the hop with which the file was begun, and where in the file that was
        self._path, self._rate_hz, self._hop, self._loop = path, rate_hz, hop, loop
        self._level, self._closed, self._ended = 0.0, False, False
        hops = self._in_hops()
        first = next(hops, None)
        if first is None:
            raise OSError(f"expected sound; got none from {path}")
        self._hops = chain([first], hops)
        self._playback = Playback(self._hops, rate_hz, hop) if paced else None

    @property
    def ended(self) -> bool:
        """Whether all has been read."""
        return self._ended if self._playback is None else self._playback.ended

    def read(self, timeout_s: float) -> AudioHop | None:
        if self._closed:
            return None
        if self._playback is not None:
            played = self._playback.read(timeout_s)
            if played is None:
                return None
            block, heard = played
        else:
            following = next(self._hops, None)
            if following is None:
                self._ended = True
                return None
            block, heard = following, time.monotonic()
        self._read += 1
        self._level = level_of(block)
        return mono_hop(block, heard)

    def status(self) -> SourceStatus:
        overflows = 0 if self._playback is None else self._playback.overflows
        first, start_s = self._round
        position_s = start_s + max(self._read - first, 0) * self._hop / self._rate_hz
        return SourceStatus(self._path.name, self._rate_hz, overflows, False, self._level, position_s)

    def close(self) -> None:
        self._closed = True
        if self._playback is not None:
            self._playback.close()

    def _in_hops(self) -> Iterator[FloatArray]:
        """Hops (hop, 2); a looped file goes round without a gap, its resampler too."""
        rehop, rate, heard = None, 0, 1
        while heard:
            heard = 0
            for block, rate_hz in decoded(self._path, self._round[1]):
                if rehop is None or rate_hz != rate:
                    rate, rehop = rate_hz, Rehop(rate_hz, self._rate_hz, 2, self._hop)
                heard += len(block)
                rehop.push(block)
                while (hop := rehop.pop()) is not None:
                    self._made += 1
                    yield hop
            if not self._loop:
                break
            self._round = (self._made, 0.0)
        if rehop is not None:
            rehop.push(np.zeros((0, 2), np.float32), last=True)
            while (hop := rehop.pop()) is not None:
                yield hop
