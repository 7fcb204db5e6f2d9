"""Sound from a file: all that libsndfile or FFmpeg read, a video's sound too; heard while it is performed."""

import time
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from engine.audio.decode_ahead import DecodeAhead
from engine.audio.decoding import decoded
from engine.audio.playback import Playback
from engine.audio.resampling import Rehop
from engine.audio.source import AudioHop, SourceStatus, level_of, mono_hop
from engine.core.types import FloatArray

MOST_ROUNDS = 64  # kept, of a loop that is shorter than what is made ahead
AWAITED_S = 1.0  # for the first sound of an awaited file, or what is wrong with it; a disk that does not answer takes longer
RETRY_S = 1.0  # of silence for sound that cannot be read; then it is tried again where it would be by then


class FileSource:
    """Streams `path` from `from_s`: at once, or `paced` by the output device that plays it (in real time where there is none).

    From the beginning where the file is not so long. Where it is paced and can no longer be read, or is held up, silence takes
    the place of the sound until it can, and the status says so; else `read` raises OSError. Raises OSError for a file that holds
    no sound; one that is `awaited` need not be there yet.
    """

    inputs: tuple[str, ...] = ("main",)
    channels = 2

    def __init__(
        self, path: Path, rate_hz: int, hop: int, loop: bool, paced: bool, from_s: float = 0.0, awaited: bool = False
    ) -> None:
        self._read = self._made = 0  # hops
        self._path, self._rate_hz, self._hop, self._loop, self._paced = path, rate_hz, hop, loop, paced
        self._level, self._closed, self._ended = 0.0, False, False
        self._awaited, self._fault = awaited and paced, ""
        self._hops: Iterator[FloatArray] = self._begin(from_s) if self._awaited else self._begun(from_s)
        self._ahead = DecodeAhead(self._hops, rate_hz, hop) if paced else None
        until_s = time.monotonic() + AWAITED_S
        while self._awaited and not (self._made or self._fault) and time.monotonic() < until_s:
            time.sleep(0.005)
        self._playback = Playback(self._ahead, rate_hz, hop) if self._ahead is not None else None

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
        if self._ahead is None or block is not self._ahead.silence:  # that was put in, and is no part of the file
            self._read += 1
        self._level = level_of(block)
        return mono_hop(block, heard)

    def status(self) -> SourceStatus:
        overflows = 0 if self._playback is None else self._playback.overflows
        rounds = self._rounds
        first, start_s = next((begun for begun in reversed(rounds) if begun[0] <= self._read), rounds[0])
        position_s = start_s + max(self._read - first, 0) * self._hop / self._rate_hz
        fault = self._fault or (self._told("no answer") if self._ahead is not None and self._ahead.late else "")
        return SourceStatus(self._path.name, self._rate_hz, overflows, bool(fault), self._level, position_s, fault)

    def close(self) -> None:
        self._closed = True
        if self._playback is not None:
            self._playback.close()
        if self._ahead is None or self._ahead.close():  # else it is held up in a read of the file
            self._making.close()  # its resampler must not outlive the interpreter
            self._hops = iter(())

    def _begun(self, from_s: float) -> Iterator[FloatArray]:
        """The hops, of which there is one at least. Raises OSError."""
        for start_s in (from_s, 0.0) if from_s > 0.0 else (0.0,):
            hops = self._begin(start_s)
            first = next(hops, None)
            if first is not None:
                return chain([first], hops)
        raise OSError(f"expected sound; got none from {self._path}")

    def _begin(self, start_s: float) -> Iterator[FloatArray]:
        # The hops with which the file was begun, and where in it that was.
        self._rounds: tuple[tuple[int, float], ...] = ((0, start_s),)
        self._making: Generator[FloatArray] = self._in_hops()
        return self._making

    def _in_hops(self) -> Generator[FloatArray]:
        """Hops (hop, 2); a looped file goes round without a gap, its resampler too."""
        rehop = Rehop(self._rate_hz, self._rate_hz, 2, self._hop)
        again = False  # damage is told once
        while True:
            heard = 0
            try:
                for block, rate_hz in decoded(self._path, self._place_s(), again):
                    self._fault = ""
                    heard += len(block)
                    rehop.change_rate(rate_hz)
                    rehop.push(block)
                    yield from self._whole(rehop)
                if self._loop and heard == 0 and self._place_s() == 0.0:
                    raise OSError("no sound")
            except Exception as error:  # a decoder's, the disk's: whatever it is, the show goes on
                if not self._paced or (self._made == 0 and not self._awaited):
                    raise (
                        error if isinstance(error, OSError) else OSError(f"expected sound from {self._path}; got {error}")
                    ) from error
                self._fault = self._told(getattr(error, "strerror", None) or str(error))
                rehop.change_rate(self._rate_hz)
                rehop.push(np.zeros((round(RETRY_S * self._rate_hz), 2), np.float32))
                yield from self._whole(rehop)
                continue
            if not self._loop:
                break
            self._rounds, again = (*self._rounds[1 - MOST_ROUNDS :], (self._made, 0.0)), True
        rehop.push(np.zeros((0, 2), np.float32), last=True)
        yield from self._whole(rehop)

    def _whole(self, rehop: Rehop) -> Iterator[FloatArray]:
        while (hop := rehop.pop()) is not None:
            self._made += 1
            yield hop

    def _place_s(self) -> float:
        """Where in the file what is made next stands."""
        first, start_s = self._rounds[-1]
        return start_s + (self._made - first) * self._hop / self._rate_hz

    def _told(self, what: str) -> str:
        whole = what if what.startswith("expected") else f"expected sound from {self._path.name}; got {what}"
        return f"{whole}; kept silence until it can be read"
