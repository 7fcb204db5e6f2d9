"""Plays hops on the default output device and hands each on at the moment it is heard."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import numpy as np

from engine.audio.hop_timer import HopTimer
from engine.audio.portaudio import list_devices, open_stream, shut_stream
from engine.core.types import FloatArray

log = logging.getLogger("clavilux.sources")
BUFFER_S = 0.15  # of sound in the device: stalls of the drawing below this are not heard
AHEAD_S = 1.0  # of hops between player and listener; with more than that nobody listens, and the music waits
LATE_S = 0.5  # a hop heard longer ago than this is dropped
STALL_S = 0.5  # a device that takes nothing for so long is gone
START_S = 3.0
RETRY_S = 2.0
FOLLOW = 0.02  # share of each hop's error by which the clock follows the device, as JACK's delay-locked loop does


class Playback:
    """A thread that plays `hops`, each (hop, 2), to the default device; the device's sample count is then the clock.

    Without a device, or while it is gone, hops come by the virtual clock. One thread reads. `overflows` counts gaps in the sound
    and hops that were dropped because nobody read them in time.
    """

    def __init__(self, hops: Iterator[FloatArray], rate_hz: int, hop: int) -> None:
        self.overflows = 0
        self._hops, self._rate_hz, self._hop = hops, rate_hz, hop
        self._clock = HopTimer(hop / rate_hz)
        self._stream: Any = None
        self._capacity = 0  # frames that the device buffers
        self._room, self._moving, self._opened_s = 0, False, 0.0
        self._due_s = 0.0  # when the end of the newest hop is heard
        self._retry_s = 0.0
        self._queue: deque[tuple[FloatArray, float]] = deque()
        self._arrived, self._closed = Event(), Event()
        self._finished = False
        self._thread = Thread(target=self._run, name="playback", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the last hop has been read."""
        return self._finished and not self._queue

    def read(self, timeout_s: float) -> tuple[FloatArray, float] | None:
        """The next hop and when its end was heard (time.monotonic()), or None when that is further off than `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not self._queue:
            self._arrived.clear()
            if self._queue:
                break
            if self._closed.is_set() or self._finished or not self._arrived.wait(max(0.0, deadline - time.monotonic())):
                return None
        while len(self._queue) > 1 and time.monotonic() - self._queue[0][1] > LATE_S:
            self._queue.popleft()
            self.overflows += 1
        due = self._queue[0][1]
        self._closed.wait(max(0.0, min(due, deadline) - time.monotonic()))
        return None if due > deadline or self._closed.is_set() else self._queue.popleft()

    def close(self) -> None:
        """Fall silent at once."""
        self._closed.set()
        self._arrived.set()
        self._thread.join(5.0)
        self._hops = iter(())

    def _run(self) -> None:
        try:
            for block in self._hops:
                self._wait_for_reader()
                heard = self._play(block)
                if heard is None:
                    break
                self._queue.append((block, heard))
                self._arrived.set()
            self._finished = True
            self._closed.wait(max(0.0, self._due_s - time.monotonic()))  # the last notes are still in the device
        except Exception:  # a fault is no end: without hops the show is found to hang, and started again
            log.exception("expected to play on; got no further")
        finally:
            self._arrived.set()
            self._shut()

    def _wait_for_reader(self) -> None:
        started = time.monotonic()
        while len(self._queue) * self._hop > AHEAD_S * self._rate_hz and not self._closed.wait(0.02):
            if time.monotonic() - started > AHEAD_S:
                self._shut()  # another source is heard; its device may have to be looked for, which no open stream allows

    def _play(self, block: FloatArray) -> float | None:
        """Hand `block` to the device; when its end will be heard, or None when closed."""
        if self._stream is None and time.monotonic() >= self._retry_s:
            self._open()
        if self._stream is not None:
            try:
                if self._moves():
                    return self._write(self._stream, block)
            except Exception as error:  # whatever the host raises, the show goes on unheard
                log.warning("expected the sound device to play on; got %s; kept time without it", error)
                self._shut()
                self._clock.restart()
        while not self._closed.is_set():
            due = self._clock.wait(1.0, self._closed)
            if due is not None:
                return due
        return None

    def _moves(self) -> bool:
        """Whether the device has begun to take what it was filled with: PulseAudio needs up to two seconds for that."""
        if not self._moving:
            self._moving = self._stream.write_available > self._room
            if not self._moving and time.monotonic() - self._opened_s > START_S:
                raise TimeoutError(f"no start within {START_S} s")
        return self._moving

    def _write(self, stream: Any, block: FloatArray) -> float | None:
        # Blocking writes never return from a PulseAudio server that died; asking for room first does.
        until = time.monotonic() + STALL_S
        while stream.write_available < len(block):
            if time.monotonic() > until:
                raise TimeoutError(f"no room within {STALL_S} s")
            if self._closed.wait(self._hop / self._rate_hz / 2):
                return None
        if stream.write(block):
            self.overflows += 1
        heard = time.monotonic() + max(0, self._capacity - stream.write_available) / self._rate_hz
        due = self._due_s + self._hop / self._rate_hz
        self._due_s = heard if abs(heard - due) > BUFFER_S else due + FOLLOW * (heard - due)
        return self._due_s

    def _open(self) -> None:
        """Open the default device and fill it with silence, which starts it. The first time the music waits for that."""
        first, self._retry_s = self._retry_s == 0.0, time.monotonic() + RETRY_S
        try:
            list_devices(fresh=not first)
            stream = open_stream("OutputStream", samplerate=self._rate_hz, blocksize=self._hop, channels=2, latency=BUFFER_S)
            self._stream, self._moving, self._opened_s = stream, False, time.monotonic()
            self._capacity = stream.write_available
            stream.write(np.zeros((self._capacity - self._hop, 2), np.float32))
            self._room = stream.write_available
            while first and not self._moves() and not self._closed.wait(0.005):
                pass
        except Exception as error:  # no library, no device, or a host that gives an error of its own
            self._shut()
            if first:
                self._retry_s = float("inf")
                log.info("playing unheard: %s", error)
            self._clock.restart()

    def _shut(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            shut_stream(stream)
