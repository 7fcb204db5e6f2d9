"""Real capture: PulseAudio's null sink, paplay, PortAudio, our ring."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio import Source, device, list_devices, open_source, portaudio
from engine.audio.opening import parse_device
from engine.bench.pulseaudio_server import PulseServer

RATE_HZ, HOP = 48000, 256


@pytest.fixture(scope="module")
def server() -> Iterator[PulseServer]:
    with PulseServer() as server:
        list_devices(fresh=True)
        yield server


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clicks a quarter of a second apart, at half scale on the left and a quarter on the right."""
    sound = np.zeros((3 * RATE_HZ, 2), np.float32)
    for k in range(8):
        at = RATE_HZ // 2 + k * RATE_HZ // 4
        sound[at : at + 480] = (0.5, 0.25)
    path = tmp_path_factory.mktemp("sound") / "clicks.wav"
    soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")
    return path


def heard(source: Source, seconds: float, player: subprocess.Popen[bytes] | None = None) -> dict[str, np.ndarray]:
    """What the source hears for so long, counted from the end of the player if there is one."""
    parts: dict[str, list[np.ndarray]] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        hop = source.read(0.1)
        for name, samples in (hop.hops if hop else {}).items():
            parts.setdefault(name, []).append(samples)
        if player is not None and player.poll() is None:
            until = time.monotonic() + seconds
    return {name: np.concatenate(hops) for name, hops in parts.items()}


def clicks_heard(source: Source, clicks: Path) -> dict[str, np.ndarray]:
    """What the source hears while the clicks are played. A busy machine loses sound now and then, so that is tried five times."""
    for _ in range(5):
        sound = heard(source, 1.0, subprocess.Popen(["paplay", str(clicks)]))
        if all(bursts(samples) == 8 for samples in sound.values()):
            break
    return sound


def silence_heard(source: Source, seconds: float) -> float:
    """How much silence, in seconds, a source without its device gives in so many; what a busy machine stalls is given up."""
    for _ in range(5):
        silence = heard(source, seconds)["main"]
        assert not silence.any()
        if len(silence) > 0.9 * RATE_HZ * seconds:
            break
    return len(silence) / RATE_HZ


def bursts(samples: np.ndarray) -> int:
    loud = np.abs(samples) > 0.1
    starts = np.flatnonzero(loud[1:] & ~loud[:-1])
    return int(1 + (np.diff(starts) > 0.1 * RATE_HZ).sum()) if len(starts) else 0


def test_named_inputs_hear_every_click_at_its_level(server: PulseServer, clicks: Path) -> None:
    source = open_source("pulse:1-2=main,1=left,2=right", rate_hz=RATE_HZ, hop=HOP)
    await_sound(source)
    sound = clicks_heard(source, clicks)
    status = source.status()
    source.close()
    assert source.inputs == ("main", "left", "right")
    assert bursts(sound["left"]) == bursts(sound["right"]) == 8
    assert np.abs(sound["left"]).max() == pytest.approx(0.5, abs=0.01)
    assert np.abs(sound["right"]).max() == pytest.approx(0.25, abs=0.01)
    assert np.abs(sound["main"]).max() == pytest.approx(0.375, abs=0.01)
    assert not status.lost


def test_lost_device_comes_back_by_name(server: PulseServer, clicks: Path) -> None:
    source = open_source("pulse", rate_hz=RATE_HZ, hop=HOP)
    heard(source, 0.5)
    server.stop()
    lost_s = time.monotonic()
    while not source.status().lost:
        assert source.read(0.1) is not None or time.monotonic() - lost_s < 5.0
        assert time.monotonic() - lost_s < 10.0
    assert silence_heard(source, 1.0) == pytest.approx(1.0, rel=0.1), "ticks must go on while the device is away"
    server.start()
    back_s = time.monotonic()
    while source.status().lost:
        source.read(0.1)
        assert time.monotonic() - back_s < 30.0
    print(f"device back after {time.monotonic() - back_s:.2f} s")
    assert bursts(clicks_heard(source, clicks)["main"]) == 8
    source.close()


def test_missing_device_is_told_with_what_there_is(server: PulseServer) -> None:
    with pytest.raises(OSError, match=r"expected an input device, one of: .*pulse.*; got 'Nothing Like It'$"):
        open_source("Nothing Like It", rate_hz=RATE_HZ, hop=HOP)
    with pytest.raises(ValueError, match="channels up to"):
        open_source("pulse:1-200=main", rate_hz=RATE_HZ, hop=HOP)


def test_awaited_device_may_come_later(server: PulseServer, clicks: Path) -> None:
    names = Path(os.environ["HOME"]) / ".asoundrc"
    source = open_source("stagebox:1=left,2=right", rate_hz=RATE_HZ, hop=HOP, awaited=True)
    try:
        assert source.status().lost
        assert source.inputs == ("left", "right")
        hop = source.read(5.0)
        assert hop is not None
        assert not any(samples.any() for samples in hop.hops.values())
        assert hop.stereo.shape == (HOP, 2)
        names.write_text("pcm.stagebox { type pulse }\n")
        await_lost(source, False)
        sound = clicks_heard(source, clicks)
        assert {name: bursts(samples) for name, samples in sound.items()} == {"left": 8, "right": 8}
    finally:
        source.close()
        names.unlink(missing_ok=True)
        list_devices(fresh=True)


def test_awaited_device_may_have_a_single_channel(server: PulseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    there, find = False, device.find_input

    def found(name: str, devices: tuple[portaudio.Device, ...]) -> portaudio.Device | None:
        real = find("pulse", devices) if there else None
        return None if real is None else replace(real, inputs=1)  # ALSA's own devices have 32

    monkeypatch.setattr(device, "find_input", found)
    source = open_source("telephone", rate_hz=RATE_HZ, hop=HOP, awaited=True)
    assert source.status().lost
    there = True
    await_lost(source, False)
    hop = source.read(5.0)
    source.close()
    assert hop is not None
    assert (source.channels, hop.stereo.shape, hop.hops["main"].shape) == (1, (HOP, 2), (HOP,))


@pytest.mark.parametrize("spec", ["pulse:0=main", "pulse:3-2=main", "pulse:1=main,2=main", "pulse:1=Main"])
def test_bad_inputs_are_refused(spec: str) -> None:
    with pytest.raises(ValueError, match=r"expected (inputs|channels)"):
        parse_device(spec)


def test_device_is_found_by_name_when_numbers_shift(server: PulseServer, clicks: Path) -> None:
    names = Path(os.environ["HOME"]) / ".asoundrc"
    names.write_text("pcm.stagebox { type pulse }\n")
    list_devices(fresh=True)
    before = next(found.number for found in list_devices() if found.name == "stagebox")
    source = open_source("stagebox", rate_hz=RATE_HZ, hop=HOP)
    heard(source, 0.5)
    names.write_text("pcm.another { type null }\npcm.newcomer { type null }\npcm.stagebox { type pulse }\n")
    server.stop()  # only now, so that no look for devices is still reading the old names
    await_lost(source, True)
    server.start()
    await_lost(source, False)
    after = next(found.number for found in list_devices() if found.name == "stagebox")
    assert bursts(clicks_heard(source, clicks)["main"]) == 8
    source.close()
    names.unlink()
    assert after != before, "the test must shift the numbers"


@pytest.mark.soak
def test_device_lost_ten_times(server: PulseServer) -> None:
    source = open_source("pulse", rate_hz=RATE_HZ, hop=HOP)
    waits = []
    for _ in range(10):
        server.stop()
        await_lost(source, True)
        server.start()
        waits.append(await_lost(source, False))
    source.close()
    print("device back after", [round(wait, 2) for wait in waits], "s")
    assert max(waits) < 3.0


def test_file_is_heard_while_it_is_performed_and_outlives_its_device(server: PulseServer, clicks: Path, tmp_path: Path) -> None:
    list_devices(fresh=True)
    for _ in range(5):  # a busy machine loses played sound now and then
        delivered, played = delivered_and_played(clicks, tmp_path / "monitor.raw")
        if bursts(played) == 8:
            break
    assert bursts(delivered) == bursts(played) == 8

    looped = open_source(str(clicks), rate_hz=RATE_HZ, hop=HOP, loop=True)
    heard(looped, 2.5)
    server.stop()
    for _ in range(5):  # and time, which is given up
        unheard = heard(looped, 3.0)["main"]
        if len(unheard) > 0.8 * 3 * RATE_HZ:
            break
    server.start()
    looped.close()
    assert len(unheard) == pytest.approx(3 * RATE_HZ, rel=0.2), "without its device a file keeps real time"


def delivered_and_played(clicks: Path, recorded: Path) -> tuple[np.ndarray, np.ndarray]:
    """The sound of a file as its source hands it to the analysis, and as the device plays it. Both (n,)."""
    monitor = ["parec", "--raw", "--format=float32le", "--rate=48000", "--channels=2", "--latency-msec=10", "-d", "vsink.monitor"]
    with recorded.open("wb") as file:
        recorder = subprocess.Popen(monitor, stdout=file)
    while not recorded.stat().st_size:
        time.sleep(0.05)
    source = open_source(str(clicks), rate_hz=RATE_HZ, hop=HOP)
    parts, until = [], time.monotonic() + 60.0
    while not source.ended and time.monotonic() < until:
        hop = source.read(0.1)
        parts += [] if hop is None else [hop.hops["main"]]
    assert source.ended
    time.sleep(0.5)
    source.close()
    recorder.terminate()
    recorder.wait()
    sound = recorded.read_bytes()
    return np.concatenate(parts), np.frombuffer(sound[: len(sound) // 8 * 8], np.float32).reshape(-1, 2).mean(axis=1)


def await_sound(source: Source) -> None:
    """PulseAudio's first block may come two seconds late."""
    started = time.monotonic()
    while source.read(0.1) is None:
        assert time.monotonic() - started < 20.0


def await_lost(source: Source, lost: bool) -> float:
    """Read until the device is lost or back; the seconds it took."""
    started = time.monotonic()
    while source.status().lost is not lost:
        source.read(0.1)
        assert time.monotonic() - started < 30.0
    return time.monotonic() - started
