"""Clicks on each beat on the default output device, at the beat itself: what the calibrator's flash is held against."""

import logging
import math
import time
from threading import Event, Thread
from typing import Any

import numpy as np

from engine.audio.device_clock import DeviceClock
from engine.audio.portaudio import list_devices, open_stream, shut_stream
from engine.core.types import AT_REST, FloatArray, Music, Tick

log = logging.getLogger("clavilux.sources")
RATE_HZ = 48000
BLOCK = 256
LATENCY_S = 0.1  # a click is placed by the device's clock, so it may be asked for early: with little, busy machines lose some
RETRY_S = 2.0
LOOK_S = 0.5
STALL_S = 2.5  # a device that asks for no sound for so long is as good as gone; PulseAudio may take two seconds to begin
STALE_S = 1.0  # without a tick for so long there is no beat to click on
LATEST_S = 0.02  # a beat that is further past is not clicked any more


def click() -> FloatArray:
    """15 ms that begin at full height, (N,)."""
    time_s = np.arange(round(0.015 * RATE_HZ)) / RATE_HZ
    return (0.7 * np.cos(2.0 * np.pi * 1800.0 * time_s) * np.exp(-time_s / 0.003)).astype(np.float32)


class Metronome:
    """Clicks while /sync/calibrate is on. `follow` is called with each tick by one thread, and waits for nothing.

    A click is heard when its sample reaches the converter, by the device's own account of its latency.
    """

    def __init__(self) -> None:
        self.clicks = 0  # handed to the device
        self._beat: tuple[Music, float] = (AT_REST, -math.inf)  # the newest, and when it was heard
        self._on = self._closed = False
        self._changed = Event()
        self._thread: Thread | None = None
        self._sound, self._at = click(), 0  # and how much of it has been played
        self._told: int | None = None  # the newest beat
        self._clock = DeviceClock()
        self._asked_s = 0.0  # when the device last asked for sound
        self._latency: float | str = LATENCY_S

    def follow(self, tick: Tick) -> None:
        """Take the newest beat; begin or end to click."""
        self._beat = (tick.music, tick.t_heard)
        on = bool(tick.params.get("/sync/calibrate", False))
        if on != self._on and not self._closed:
            self._on = on
            self._changed.set()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="metronome", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Fall silent, for good."""
        self._closed, self._on = True, False
        self._changed.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def _run(self) -> None:
        stream: Any = None
        while not self._closed:
            if stream is not None and not (self._on and stream.active and self._goes_on()):
                shut_stream(stream)
                stream = None
            if self._on and stream is None:
                stream = self._open()
            self._changed.wait(None if not self._on else RETRY_S if stream is None else LOOK_S)
            self._changed.clear()
        if stream is not None:
            shut_stream(stream)

    def _goes_on(self) -> bool:
        """Whether the device asks for sound; if not, it is opened with the other latency next time.

        PulseAudio under a PULSE_LATENCY_MSEC below ours never begins, and may stay silent after a gap.
        """
        if time.monotonic() - self._asked_s < STALL_S:
            return True
        log.warning("expected an output device that asks for clicks; got none asked for in %g s; opened it anew", STALL_S)
        self._latency = "low" if self._latency == LATENCY_S else LATENCY_S
        return False

    def _open(self) -> Any:
        self._told, self._at, self._clock, self._asked_s = None, len(self._sound), DeviceClock(), time.monotonic()
        try:
            list_devices(fresh=True)
            words = {"samplerate": RATE_HZ, "blocksize": BLOCK, "channels": 1, "latency": self._latency}
            return open_stream("OutputStream", callback=self._give, **words)
        except Exception as error:  # no library, no device, or a host that gives an error of its own
            log.warning("expected an output device to click on; got %s; kept the flash", error)
            return None

    def _give(self, out: FloatArray, frames: int, when: Any, status: object) -> None:
        """The device's callback: one block, (frames, 1)."""
        out.fill(0.0)
        self._asked_s = time.monotonic()
        begins_s = self._clock.heard_at(self._asked_s, when.currentTime, when.outputBufferDacTime)
        music, t_heard = self._beat
        pace = music.bpm / 60.0
        ends = music.beats + (begins_s + frames / RATE_HZ - t_heard) * pace
        beat = math.floor(ends)
        start = 0  # of this block, what is left of the last click goes on
        if self._told is None or abs(begins_s - t_heard) > STALE_S:
            self._told = beat
        elif beat > self._told:
            self._told = beat
            late = (ends - beat) / pace - frames / RATE_HZ
            if late < LATEST_S:
                start, self._at = min(max(0, round(-late * RATE_HZ)), frames - 1), 0
                self.clicks += 1
        part = self._sound[self._at : self._at + frames - start]
        out[start : start + len(part), 0] = part
        self._at += len(part)
