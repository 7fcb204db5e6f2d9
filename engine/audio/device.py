"""Live sound from a device, which may go away and come back in mid-show."""

import threading
import time
from typing import Any

import numpy as np

from engine.audio.hop_timer import HopTimer
from engine.audio.portaudio import Device, find_input, list_devices, open_stream, portaudio, shut_stream
from engine.audio.resampling import Rehop
from engine.audio.sample_ring import SampleRing
from engine.audio.source import AudioHop, Inputs, SourceStatus, level_of
from engine.core.types import FloatArray

RING_S = 1.0
RETRY_S = 0.5  # between looks for a device that is gone
STALL_S = 0.5  # without a block a device is as good as gone


class DeviceSource:
    """Reads a device through PortAudio; the callback only copies into a ring.

    While the device is away, hops of silence come by the virtual clock, so the show ticks on, and a thread looks for a device
    of the same name. Raises OSError if there is none at the start, ValueError for channels it does not have; `awaited`, it
    counts as away instead.
    """

    def __init__(self, name: str, inputs: Inputs, rate_hz: int, hop: int, awaited: bool = False) -> None:
        self._rate_hz, self._hop, self._named = rate_hz, hop, bool(inputs)
        found: Device | None = None
        try:
            found = _look(name, inputs)
        except Exception:  # PortAudio raises what its host gives
            if not awaited:
                raise
        last = max((channels[1] for channels in inputs.values()), default=min(2, found.inputs if found else 2))
        self.name, self.channels = (found.name if found else name), last
        self._by_name = found.name if found and name != "default" else name
        self._channels = {key: (first - 1, end) for key, (first, end) in (inputs or {"main": (1, last)}).items()}
        self.inputs = tuple(self._channels)
        self._silence = np.zeros((hop, last), np.float32)
        self._arrived, self._closed = threading.Event(), threading.Event()
        self._came_s = time.monotonic()  # when the newest block came
        self._stream: Any = None
        self._clock: HopTimer | None = None  # runs while the device is away
        self._level, self._overflows = 0.0, 0
        self.ended = False
        self._device_hz = rate_hz
        self._ring, self._rehop = SampleRing(hop, last), Rehop(rate_hz, rate_hz, last, hop)
        try:
            if found is not None:
                self._open(found)
        except Exception:  # another process may still have it
            if not awaited:
                raise
        if self._stream is None:
            self._clock = HopTimer(hop / rate_hz)
        self._watch = threading.Thread(target=self._keep_open, name="audio-watch", daemon=True)
        self._watch.start()

    def read(self, timeout_s: float) -> AudioHop | None:
        deadline = time.monotonic() + timeout_s
        while not self._closed.is_set():
            # Cleared before the ring is looked into: a block that comes in between then wakes the wait below.
            self._arrived.clear()
            came_s, clock = self._came_s, self._clock
            block = self._next_block()
            if block is not None:
                return self._hop_of(block, came_s - (self._ring.filled / self._device_hz + self._rehop.waiting / self._rate_hz))
            if clock is not None:
                due = clock.wait(max(0.0, deadline - time.monotonic()), self._closed)
                return None if due is None else self._hop_of(self._silence, due)
            left_s = deadline - time.monotonic()
            if left_s <= 0.0:
                return None
            self._arrived.wait(min(0.05, left_s))
        return None

    def status(self) -> SourceStatus:
        lost = self._clock is not None
        return SourceStatus(self.name, self._device_hz, self._overflows + self._ring.overflows, lost, self._level)

    def close(self) -> None:
        self._closed.set()
        if threading.current_thread() is not self._watch:
            self._watch.join(5.0)
        self._shut()

    def _next_block(self) -> FloatArray | None:
        block = self._rehop.pop()
        while block is None:
            samples = self._ring.read(self._hop)
            if samples is None:
                return None
            self._rehop.push(samples)
            block = self._rehop.pop()
        return block

    def _hop_of(self, block: FloatArray, t_heard: float) -> AudioHop:
        hops = {name: block[:, first:end].mean(axis=1, dtype=np.float32) for name, (first, end) in self._channels.items()}
        first, end = next(iter(self._channels.values()))
        stereo = np.ascontiguousarray(block[:, (first, min(first + 1, end - 1))])
        self._level = level_of(stereo)
        return AudioHop(hops, stereo, t_heard)

    def _open(self, device: Device) -> None:
        sound = portaudio()
        rate_hz = self._rate_hz
        try:
            sound.check_input_settings(device.number, self.channels, "float32", samplerate=rate_hz)
        except sound.PortAudioError:
            rate_hz = int(device.rate_hz)
        self._device_hz = rate_hz
        self._overflows += self._ring.overflows
        self._ring, self._rehop = (
            SampleRing(int(RING_S * rate_hz), self.channels),
            Rehop(rate_hz, self._rate_hz, self.channels, self._hop),
        )
        # A callback: `python -m tools.capture_cost` (two cores, PulseAudio, hop 256) gives for callback, blocking and polling
        # reads 1.8, 2.0 and 3.4% of a core and p99 gaps of 21, 24 and 26 ms, which differ less than two runs do. But a callback
        # needs no thread of ours that may sit in a read, and its stream ends at once when the server dies; polling never notices.
        self._stream = open_stream(
            "InputStream",
            samplerate=rate_hz,
            blocksize=self._hop,
            device=device.number,
            channels=self.channels,
            latency="low",
            callback=self._take,
        )
        self._came_s = time.monotonic()

    def _take(self, block: FloatArray, frames: int, when: object, status: Any) -> None:
        if status.input_overflow:
            self._overflows += 1
        self._ring.write(block)
        self._came_s = time.monotonic()
        self._arrived.set()

    def _keep_open(self) -> None:
        while not self._closed.wait(0.1):
            stream = self._stream
            if stream is not None and stream.active and time.monotonic() - self._came_s < STALL_S:
                continue
            if self._clock is None:
                self._clock = HopTimer(self._hop / self._rate_hz)
            self._shut()
            try:
                found = find_input(self._by_name, list_devices(fresh=True))
                if found is not None and not self._named and found.inputs < self.channels:
                    self._narrow(found.inputs)
                if found is not None and found.inputs >= self.channels:
                    self._open(found)
                    self._await_sound()
            except Exception:  # PortAudio raises what its host gives; whatever it is, look again
                self._shut()
            if self._clock is not None:
                self._closed.wait(RETRY_S)

    def _narrow(self, channels: int) -> None:
        """Take what a device has that was not there to be asked. Whoever reads meanwhile finds channels that its block has."""
        self._channels = {"main": (0, channels)}
        self.channels, self._silence = channels, np.zeros((self._hop, channels), np.float32)

    def _await_sound(self) -> None:
        """The device is back once it has delivered."""
        opened_s = self._came_s
        until_s = time.monotonic() + 2.0
        while time.monotonic() < until_s and not self._closed.wait(0.02):
            if self._came_s > opened_s:
                self._clock = None
                return
        self._shut()

    def _shut(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            shut_stream(stream)


def _look(name: str, inputs: Inputs) -> Device:
    """The device called `name`, with all channels of `inputs`. Raises OSError or ValueError."""
    found = find_input(name, list_devices()) or find_input(name, list_devices(fresh=True))
    if found is None:
        known = ", ".join(f"{device.number} {device.name}" for device in list_devices() if device.inputs) or "none"
        raise OSError(f"expected an input device, one of: {known}; got {name!r}")
    last = max((channels[1] for channels in inputs.values()), default=1)
    if last > found.inputs:
        raise ValueError(f"expected channels up to {found.inputs} of {found.name}; got {last}")
    return found
