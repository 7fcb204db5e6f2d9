"""Real clicks: PortAudio into PulseAudio's null sink, heard on its monitor."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engine.audio.metronome import Metronome
from engine.audio.portaudio import list_devices, open_stream, portaudio, shut_stream
from engine.bench.pulseaudio_server import PulseServer
from engine.core.types import FeatureFrame, LatentState, Music, Tick

RATE_HZ, BPM = 48000, 150.0
NEAR_S = 0.05  # ten times what it is on an idle machine
ZERO = np.zeros(1, np.float32)


@pytest.fixture(scope="module")
def server() -> Iterator[PulseServer]:
    try:
        made = PulseServer()
    except FileNotFoundError:
        pytest.skip("no PulseAudio: no click is heard here (apt-get install pulseaudio pulseaudio-utils libasound2-plugins)")
    with made as server:
        list_devices(fresh=True)
        yield server


@pytest.fixture
def no_device() -> Iterator[None]:
    """A default output that is not there."""
    default = portaudio().default
    before = list(default.device)
    default.device = None, "no such device"
    yield
    default.device = before


def tick(beats: float, t_heard: float, on: bool) -> Tick:
    features = FeatureFrame(0, 0.0, t_heard, {}, {}, ())
    latent = LatentState(ZERO, ZERO, 1.0, ZERO)
    return Tick(0, 0.0, t_heard, features, {"/sync/calibrate": on}, latent, (), Music(BPM, beats, "hands", 0.2))


class Ear:
    """Notes when the monitor heard the beginning of a click."""

    def __init__(self) -> None:
        self.heard: list[float] = []
        self._stream = open_stream(
            "InputStream", samplerate=RATE_HZ, blocksize=256, device="pulse", channels=1, latency="low", callback=self._take
        )

    def _take(self, block: np.ndarray, frames: int, when: object, status: object) -> None:
        now = time.monotonic()
        loud = np.flatnonzero(np.abs(block[:, 0]) > 0.2)
        if len(loud):
            t = now - (frames - loud[0]) / RATE_HZ
            if not self.heard or t - self.heard[-1] > 0.1:
                self.heard.append(t)

    def close(self) -> None:
        shut_stream(self._stream)


class Band(threading.Thread):
    """Ticks of a steady beat, as the analysis makes them."""

    def __init__(self, follow: Callable[[Tick], None]) -> None:
        super().__init__(daemon=True)
        self.on, self.playing, self.began_s, self._follow = False, True, time.monotonic(), follow

    def run(self) -> None:
        while self.playing:
            t = time.monotonic()
            self._follow(tick((t - self.began_s) * BPM / 60.0, t, self.on))
            time.sleep(256 / RATE_HZ)

    def off_s(self, t: float) -> float:
        """How far from the nearest beat."""
        period_s = 60.0 / BPM
        return (t - self.began_s + 0.5 * period_s) % period_s - 0.5 * period_s


def waited(so: Callable[[], bool], seconds: float = 20.0) -> bool:
    until_s = time.monotonic() + seconds
    while not so() and time.monotonic() < until_s:
        time.sleep(0.05)
    return so()


def test_clicks_are_heard_on_the_beat_while_calibrating_and_only_then(
    server: PulseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULSE_LATENCY_MSEC")  # the server's own users want little of it, as few performers' machines do
    clicker, ear = Metronome(), Ear()
    band = Band(clicker.follow)
    band.start()
    try:
        time.sleep(0.5)
        assert not ear.heard
        band.on = True
        assert waited(lambda: len(ear.heard) >= 8)
        off = np.array([band.off_s(t) for t in ear.heard[2:]])
        print(f"clicks off the beat by {1e3 * np.median(off):.1f} ms, {1e3 * np.ptp(off):.1f} ms from first to last")
        assert abs(float(np.median(off))) < NEAR_S
        assert clicker.clicks <= len(ear.heard) + 2  # none is lost: at most one that was under way before the ear, and one after
        band.on = False
        time.sleep(0.5)
        count = len(ear.heard), clicker.clicks
        time.sleep(0.6)  # a beat and a half
        assert (len(ear.heard), clicker.clicks) == count
        band.on = True
        assert waited(lambda: len(ear.heard) >= count[0] + 2)
    finally:
        band.playing = False
        band.join()
        clicker.close()
        ear.close()


def test_a_device_that_is_open_but_asks_for_no_sound_is_opened_anew(
    server: PulseServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PULSE_LATENCY_MSEC", "20")  # less than the clicker asks for, and so PulseAudio never begins
    clicker, ear = Metronome(), Ear()
    band = Band(clicker.follow)
    band.on = True
    band.start()
    try:
        time.sleep(1.0)
        assert not ear.heard
        assert waited(lambda: len(ear.heard) >= 3)
        assert "got none asked for in 2.5 s; opened it anew" in caplog.text
    finally:
        band.playing = False
        band.join()
        clicker.close()
        ear.close()


def test_a_machine_without_sound_keeps_the_flash_and_following_costs_nothing_to_speak_of(
    no_device: None, caplog: pytest.LogCaptureFixture
) -> None:
    clicker = Metronome()
    took = []
    for n in range(2000):
        t = time.monotonic()
        made = tick(n * 0.01, t, n % 500 < 250)
        started = time.perf_counter()
        clicker.follow(made)
        took.append(time.perf_counter() - started)
    assert waited(lambda: "kept the flash" in caplog.text)
    clicker.close()
    print(f"{1e6 * float(np.median(took)):.1f} us a tick")
    assert float(np.median(took)) < 1e-4
    assert clicker.clicks == 0
