"""Files of every kind, resampled once, looped without a gap; generated sound; clean samples."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from engine.audio import open_source
from engine.audio.source import LOUDEST, clean

RATE_HZ, HOP = 48000, 256


def tone(rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.stack([0.5 * np.sin(2 * np.pi * 1000 * t), 0.25 * np.sin(2 * np.pi * 1000 * t)], 1).astype(np.float32)


def encode(path: Path, codec: str, rate_hz: int = 44100) -> None:
    """Write a tone through FFmpeg: what libsndfile does not read."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=rate_hz, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone(rate_hz).T), format="fltp", layout="stereo")
        frame.sample_rate = rate_hz
        for part in (frame, None):
            for packet in stream.encode(part):
                file.mux(packet)


def everything(spec: str, **options: Any) -> np.ndarray:
    source = open_source(spec, rate_hz=RATE_HZ, hop=HOP, paced=False, **options)
    hops = []
    while (hop := source.read(0.1)) is not None:
        hops.append(hop.stereo)
    assert source.ended
    source.close()
    return np.concatenate(hops)


def pitch_hz(samples: np.ndarray) -> float:
    size = RATE_HZ // 2
    part = samples[size // 2 : size // 2 + size]
    return float(np.abs(np.fft.rfft(part * np.hanning(size))).argmax() * RATE_HZ / size)


@pytest.mark.parametrize(
    ("name", "rate_hz"), [("a.wav", 48000), ("a.wav", 44100), ("a.flac", 96000), ("a.ogg", 22050), ("a.mp3", 44100)]
)
def test_libsndfile_reads_and_soxr_resamples(tmp_path: Path, name: str, rate_hz: int) -> None:
    path = tmp_path / name
    soundfile.write(path, tone(rate_hz), rate_hz)
    samples = everything(str(path))
    assert len(samples) == pytest.approx(RATE_HZ, abs=0.1 * RATE_HZ)
    assert pitch_hz(samples[:, 0]) == pytest.approx(1000, abs=2)
    assert np.sqrt(2 * (samples[RATE_HZ // 4 : RATE_HZ // 2, 0] ** 2).mean()) == pytest.approx(0.5, rel=0.1)  # LAME takes 8% off


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mp4", "aac"), ("a.mka", "ac3")])
def test_ffmpeg_reads_the_rest(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    encode(path, codec)
    assert pitch_hz(everything(str(path))[:, 0]) == pytest.approx(1000, abs=2)


def test_file_at_the_analysis_rate_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "exact.wav"
    given = tone(RATE_HZ)[: 10 * HOP]
    soundfile.write(path, given, RATE_HZ, subtype="FLOAT")
    assert np.allclose(everything(str(path)), given, rtol=0, atol=1e-12)  # denormals aside


def test_loop_has_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "loop.wav"
    given = tone(RATE_HZ)[: HOP + 100]
    soundfile.write(path, given, RATE_HZ, subtype="FLOAT")
    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, paced=False, loop=True)
    hops = [source.read(0.1) for _ in range(40)]
    joined = np.concatenate([hop.stereo for hop in hops if hop is not None])
    assert np.allclose(joined, np.resize(given, joined.shape), rtol=0, atol=1e-12)
    assert not source.ended
    source.close()


def test_unheard_file_keeps_real_time(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, tone(RATE_HZ, 3.0), RATE_HZ)
    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, loop=True)
    found = []
    for _ in range(10):  # a busy machine may stall in one second, and the time is then given up
        started, hops = time.monotonic(), 0
        while time.monotonic() - started < 1.0:
            hops += source.read(0.1) is not None
        found.append(hops)
        if hops == pytest.approx(RATE_HZ / HOP, rel=0.3):
            break
    source.close()
    assert found[-1] == pytest.approx(RATE_HZ / HOP, rel=0.3), f"hops in each second: {found}"


@pytest.mark.parametrize("content", [b"", b"RIFF but not really", bytes(4096)])
def test_junk_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "junk.wav"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"expected .* got .*junk\.wav"):
        open_source(str(path), rate_hz=RATE_HZ, hop=HOP)


@pytest.mark.parametrize("spec", ["somewhere/song.flac", "song.mp3", "clip.mp4", "a b.m4a"])
def test_missing_file_is_told_as_a_file(spec: str) -> None:
    with pytest.raises(FileNotFoundError, match="not there"):
        open_source(spec, rate_hz=RATE_HZ, hop=HOP)


def test_synthetic_is_the_same_for_a_seed() -> None:
    def start(seed: int) -> bytes:
        source = open_source("synthetic", rate_hz=RATE_HZ, hop=HOP, paced=False, seed=seed)
        hops = [source.read(0.1) for _ in range(200)]
        source.close()
        return b"".join(hop.stereo.tobytes() for hop in hops if hop is not None)

    assert start(1) == start(1)
    assert start(1) != start(2)


def test_bad_samples_are_cleaned() -> None:
    bad = np.array([[np.nan, np.inf], [-np.inf, 1e-30], [1e9, 0.5]], np.float32)
    good = clean(bad)
    assert np.isfinite(good).all()
    assert np.abs(good).max() <= LOUDEST
    assert good[1, 1] == 0.0
    assert good[2, 1] == 0.5


@pytest.mark.parametrize(("name", "codec"), [("a.flac", ""), ("a.m4a", "aac")])
def test_a_file_goes_on_from_where_it_is_told_and_says_where_it_is(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    if codec:
        encode(path, codec)
    else:
        soundfile.write(path, tone(44100), 44100)
    whole, rest = everything(str(path)), everything(str(path), from_s=0.75)
    assert len(whole) - len(rest) == pytest.approx(0.75 * RATE_HZ, abs=0.05 * RATE_HZ)
    assert len(everything(str(path), from_s=99.0)) == len(whole), "a place that is not there is the beginning"

    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, paced=False, loop=True, from_s=0.75)
    places = []
    for _ in range(RATE_HZ // HOP):
        source.read(0.1)
        places.append(source.status().position_s)
    source.close()
    assert places[0] == pytest.approx(0.75, abs=0.05)
    assert max(places) == pytest.approx(1.0, abs=0.1), "it went round"
    assert 0.6 < places[-1] < 0.85


def test_a_looped_file_that_is_deleted_leaves_silence_says_why_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.audio.file.RETRY_S", 0.2)
    path, kept = tmp_path / "song.wav", tmp_path / "kept.wav"
    soundfile.write(path, tone(44100, 0.5), 44100)
    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, loop=True, paced=True)
    assert not source.status().lost
    path.rename(kept)
    levels = heard_for(source, 3.0)
    assert max(levels[:50]) > 0.1
    assert max(levels[-100:]) == 0.0
    assert source.status().lost
    assert source.status().fault == (
        "expected sound from song.wav; got No such file or directory; kept silence until it can be read"
    )
    kept.rename(path)
    assert max(heard_for(source, 2.5)) > 0.1
    assert not source.status().lost
    assert not source.ended
    source.close()


@pytest.mark.parametrize("content", [b"", b"<html>gone</html>"])
def test_a_looped_file_that_is_written_over_with_junk_leaves_silence(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.audio.file.RETRY_S", 0.2)
    path = tmp_path / "song.mp3"
    encode(path, "libmp3lame")
    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, loop=True, paced=True)
    junk = tmp_path / "junk"
    junk.write_bytes(content)
    junk.replace(path)
    levels = heard_for(source, 4.0)
    assert max(levels) > 0.1
    assert max(levels[-50:]) == 0.0
    assert source.status().lost
    assert not source.ended
    source.close()


def test_a_decoder_that_fails_in_the_middle_is_silence_on_stage_and_an_error_of_a_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: Path, from_s: float, quiet: bool) -> Any:
        if from_s < 0.25:
            yield tone(48000, 0.25), 48000
            raise RuntimeError("no such codec")
        yield tone(48000, 0.5), 48000

    monkeypatch.setattr("engine.audio.file.RETRY_S", 0.5)
    monkeypatch.setattr("engine.audio.file.decoded", failing)
    source = open_source(str(Path(__file__)), rate_hz=RATE_HZ, hop=HOP, paced=True)
    levels = heard_for(source, 1.6)
    assert source.ended
    assert min(levels[60:100]) == 0.0  # the half second that could not be had
    assert max(levels[-50:]) > 0.1
    source.close()
    with pytest.raises(OSError, match="no such codec"):
        everything(str(Path(__file__)))


def test_a_disk_that_does_not_answer_is_silence_in_time_and_the_song_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def held_up(path: Path, from_s: float, quiet: bool) -> Any:
        yield tone(RATE_HZ, 0.5), RATE_HZ
        assert answers.wait(60.0)
        yield tone(RATE_HZ, 0.5), RATE_HZ

    monkeypatch.setattr("engine.audio.file.decoded", held_up)
    source = open_source(str(Path(__file__)), rate_hz=RATE_HZ, hop=HOP, paced=True)
    levels = heard_for(source, 2.0)
    assert len(levels) * HOP / RATE_HZ == pytest.approx(2.0, abs=0.5), "hops come in time"
    assert max(levels[-50:]) == 0.0
    status = source.status()
    assert status.lost
    assert "no answer" in status.fault
    assert status.position_s == pytest.approx(0.5, abs=0.02)
    answers.set()
    levels = heard_for(source, 3.0)
    assert sum(level > 0.1 for level in levels) * HOP / RATE_HZ == pytest.approx(0.5, abs=0.05)
    assert source.ended
    assert not source.status().lost
    source.close()


def test_a_source_whose_disk_never_answers_can_be_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def held_up(path: Path, from_s: float, quiet: bool) -> Any:
        yield tone(RATE_HZ, 0.1), RATE_HZ
        answers.wait(60.0)

    monkeypatch.setattr("engine.audio.file.decoded", held_up)
    source = open_source(str(Path(__file__)), rate_hz=RATE_HZ, hop=HOP, paced=True)
    heard_for(source, 0.5)
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 5.0
    answers.set()


def test_an_awaited_file_is_silence_until_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.audio.file.RETRY_S", 0.2)
    path = tmp_path / "song.wav"
    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, loop=True, awaited=True)
    assert source.status().lost
    assert max(heard_for(source, 1.0)) == 0.0
    soundfile.write(path, tone(44100, 0.5), 44100)
    assert max(heard_for(source, 2.5)) > 0.1
    assert not source.status().lost
    source.close()


def heard_for(source: Any, seconds: float) -> list[float]:
    """The loudest sample of each hop that comes in that time."""
    until, levels = time.monotonic() + seconds, []
    while time.monotonic() < until:
        hop = source.read(0.05)
        if hop is not None:
            levels.append(float(np.abs(hop.stereo).max()))
    return levels


@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_a_show_with_a_file_ends_without_a_word_of_what_its_libraries_left(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(rate_hz, 30.0), rate_hz)
    words = ("play", "--headless", "--unsupervised", "--audio", str(path), "--midi", "off", "--osc-bind", "off")
    for more in (("--seconds", "2"), ("--seconds", "2", "--loop"), ()):
        command = [sys.executable, "-m", "engine.cli", *words, *more, "--size", "64x36"]
        show = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not more:
            time.sleep(6.0)
            show.send_signal(signal.SIGINT)
        told, _ = show.communicate(timeout=60)
        assert "frames shown" in told
        assert "nanobind" not in told
        assert "Traceback" not in told
        assert show.returncode in (0, 130)
