"""Sound from a file: all that libsndfile or FFmpeg read, a video's sound too; heard while it is performed."""

import logging
import time
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from engine.audio.decoding import decoded
from engine.audio.playback import Playback
from engine.audio.resampling import Rehop
from engine.audio.source import AudioHop, SourceStatus, level_of, mono_hop
from engine.core.types import FloatArray

log = logging.getLogger("clavilux.sources")
RETRY_S = 1.0  # of silence for sound that cannot be read; then it is tried again where it would be by then


class FileSource:
    """Streams `path` from `from_s`: at once, or `paced` by the output device that plays it (in real time where there is none).

    From the beginning where the file is not so long. Where it is paced and can no longer be read, silence takes the place of the
    sound until it can; else `read` raises OSError. Raises OSError for a file that holds no sound.
    """

    inputs: tuple[str, ...] = ("main",)
    channels = 2

    def __init__(self, path: Path, rate_hz: int, hop: int, loop: bool, paced: bool, from_s: float = 0.0) -> None:
        self._read = self._made = 0  # hops
        self._path, self._rate_hz, self._hop, self._loop, self._paced = path, rate_hz, hop, loop, paced
        self._level, self._closed, self._ended = 0.0, False, False
        first = None
        for begin_s in (from_s, 0.0) if from_s > 0.0 else (0.0,):
            self._round = (0, begin_s)  # the hop with which the file was begun, and where in the file that was
            self._making: Generator[FloatArray] = self._in_hops()
            first = next(self._making, None)
            if first is not None:
                break
        if first is None:
            raise OSError(f"expected sound; got none from {path}")
        self._hops: Iterator[FloatArray] = chain([first], self._making)
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
            if not self._playback.closed:
                return  # held up in a read of the file
        self._making.close()  # its resampler must not outlive the interpreter
        self._hops = iter(())

    def _in_hops(self) -> Generator[FloatArray]:
        """Hops (hop, 2); a looped file goes round without a gap, its resampler too."""
        rehop = Rehop(self._rate_hz, self._rate_hz, 2, self._hop)
        broken = False
        while True:
            heard = 0
            try:
                for block, rate_hz in decoded(self._path, self._place_s()):
                    if broken:
                        broken = False
                        log.warning("%s is heard again", self._path.name)
                    heard += len(block)
                    rehop.change_rate(rate_hz)
                    rehop.push(block)
                    yield from self._whole(rehop)
                if self._loop and heard == 0 and self._place_s() == 0.0:
                    raise OSError("no sound")
            except Exception as error:  # a decoder's, the disk's: whatever it is, the show goes on
                if not self._paced or self._made == 0:
                    raise (
                        error if isinstance(error, OSError) else OSError(f"expected sound from {self._path}; got {error}")
                    ) from error
                if not broken:
                    broken = True
                    log.warning("expected sound from %s; got %s; kept silence, and tried again", self._path.name, error)
                rehop.change_rate(self._rate_hz)
                rehop.push(np.zeros((round(RETRY_S * self._rate_hz), 2), np.float32))
                yield from self._whole(rehop)
                continue
            if not self._loop:
                break
            self._round = (self._made, 0.0)
        rehop.push(np.zeros((0, 2), np.float32), last=True)
        yield from self._whole(rehop)

    def _whole(self, rehop: Rehop) -> Iterator[FloatArray]:
        while (hop := rehop.pop()) is not None:
            self._made += 1
            yield hop

    def _place_s(self) -> float:
        """Where in the file what is made next stands."""
        first, start_s = self._round
        return start_s + (self._made - first) * self._hop / self._rate_hz
