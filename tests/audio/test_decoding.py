"""Songs are heard whole, from wherever they are begun, whatever their length is said to be, and in the right places."""

import os
import resource
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from engine.audio import open_source
from engine.audio.decoding import decoded

RATE_HZ, HOP = 48000, 256


def tone(hz: float, rate_hz: int, seconds: float = 2.0) -> np.ndarray:
    return np.asarray(0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz), np.float32)


def encoded(path: Path, channels: Sequence[np.ndarray], rate_hz: int, codec: str, layout: str, **options: str) -> bytes:
    with av.open(str(path), "w", options=options) as file:
        stream: Any = file.add_stream(codec, rate=rate_hz, layout=layout)
        array = np.ascontiguousarray(np.stack(channels))
        if stream.format.is_planar:
            frame = av.AudioFrame.from_ndarray(array, format="fltp", layout=layout)
        else:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(array.T.reshape(1, -1)), format="flt", layout=layout)
        frame.sample_rate = rate_hz
        for part in (frame, None):
            for packet in stream.encode(part):
                file.mux(packet)
    return path.read_bytes()


def heard(path: Path, from_s: float = 0.0) -> np.ndarray:
    source = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, paced=False, from_s=from_s)
    hops = []
    while (hop := source.read(0.1)) is not None:
        hops.append(hop.stereo)
    source.close()
    return np.concatenate(hops)


def pitches(samples: np.ndarray) -> list[int]:
    """Of every half second, in Hz, rounded to tens; those in which two tones meet left out."""
    size = RATE_HZ // 2
    found = []
    for start in range(0, len(samples) - size + 1, size):
        spectrum = np.abs(np.fft.rfft(samples[start : start + size, 0] * np.hanning(size)))
        found.append(round(float(spectrum.argmax()) * RATE_HZ / size, -1))
    return [int(hz) for hz in found]


JOINED = {
    "two.mp3": [("libmp3lame", 44100, 500, "stereo"), ("libmp3lame", 44100, 1000, "stereo")],
    "rates.mp3": [("libmp3lame", 44100, 500, "stereo"), ("libmp3lame", 22050, 1000, "mono")],
    "rates.aac": [("aac", 44100, 500, "stereo"), ("aac", 22050, 1000, "mono")],
    "rates.ac3": [("ac3", 48000, 500, "stereo"), ("ac3", 32000, 1000, "mono")],
    "rates.ts": [("aac", 44100, 500, "stereo"), ("aac", 48000, 1000, "mono")],
    "chained.opus": [("libopus", 48000, 500, "stereo"), ("libopus", 48000, 1000, "stereo")],
}


def joined(folder: Path, name: str) -> Path:
    whole = b""
    for number, (codec, rate_hz, hz, layout) in enumerate(JOINED[name]):
        channels = [tone(hz, rate_hz)] * (2 if layout == "stereo" else 1)
        whole += encoded(folder / f"{number}-{name}", channels, rate_hz, codec, layout)
    path = folder / name
    path.write_bytes(whole)
    return path


def chained_vorbis(folder: Path) -> Path:
    parts = []
    for number, (hz, rate_hz) in enumerate(((500, 44100), (1000, 22050))):
        part = folder / f"{number}.ogg"
        soundfile.write(part, np.stack([tone(hz, rate_hz)] * 2, 1), rate_hz)
        parts.append(part.read_bytes())
    path = folder / "chained.ogg"
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("name", [*JOINED, "chained.ogg"])
def test_joined_files_are_heard_whole_though_rate_and_channels_change(tmp_path: Path, name: str) -> None:
    path = joined(tmp_path, name) if name in JOINED else chained_vorbis(tmp_path)
    samples = heard(path)
    assert len(samples) / RATE_HZ == pytest.approx(4.0, abs=0.25)
    found = pitches(samples)
    assert found[:3] == [500, 500, 500]
    assert found[-3:-1] == [1000, 1000]
    later = heard(path, from_s=3.0)
    assert pitches(later)[0] == 1000
    if name != "rates.aac":  # FFmpeg gives its lengths by the first rate
        assert len(later) == pytest.approx(len(samples) - 3.0 * RATE_HZ, abs=0.1 * RATE_HZ)


def test_an_mp3_without_a_xing_header_is_begun_where_it_is_told(tmp_path: Path) -> None:
    # First quiet and then dense: a variable rate, so that the length guessed from the first frames is wrong by far.
    channels = [np.concatenate([np.zeros(44100 * 4, np.float32), tone(500, 44100, 2.0) + 0.3 * tone(7000, 44100, 2.0)])] * 2
    path = tmp_path / "vbr.mp3"
    encoded(path, channels, 44100, "libmp3lame", "stereo", write_xing="0")
    samples = heard(path)
    assert len(samples) / RATE_HZ == pytest.approx(6.0, abs=0.1)
    later = heard(path, from_s=3.0)
    begins = int(np.argmax(np.abs(later[:, 0]) > 0.1)) / RATE_HZ
    assert begins == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("name", ["two.mp3", "rates.mp3"])
def test_what_stands_between_joined_songs_is_no_damage(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = joined(tmp_path, name)
    capfd.readouterr()
    heard(path)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def flac(path: Path, frames: int | None = None, share: float = 1.0) -> None:
    """Three seconds that say to be `frames` long (0: not said), of which only a part is there."""
    soundfile.write(path, np.stack([tone(500, 48000, 3.0)] * 2, 1), 48000)
    data = bytearray(path.read_bytes())
    if frames is not None:
        data[21] &= 0xF0
        data[22:26] = frames.to_bytes(4, "big")
    path.write_bytes(data[: int(len(data) * share)])


def test_a_flac_is_as_long_as_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    for frames in (None, 0, 48000):  # 0 as of a stream, 48000 as of a recorder that was cut off
        flac(path, frames)
        assert len(heard(path)) == pytest.approx(3 * RATE_HZ, abs=HOP)
        assert len(heard(path, from_s=2.5)) == pytest.approx(0.5 * RATE_HZ, abs=HOP)
    flac(path, share=0.6)
    assert RATE_HZ < len(heard(path)) < 2.5 * RATE_HZ, "a download that broke off is heard as far as it came"


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_wav_that_a_recorder_did_not_finish_is_heard(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(500, 48000)] * 2, 1), 48000)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = struct.pack("<I", length)
    path.write_bytes(data)
    assert len(heard(path)) == 2 * RATE_HZ


@pytest.mark.parametrize("stem", ["mix: live", "http:mix", "-mix", "100%d", "a#b?c", os.fsdecode(b"caf\xe9"), "caf\u00e9 \u2603"])
def test_files_are_heard_whatever_their_names(tmp_path: Path, stem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    song = encoded(tmp_path / "plain.mp3", [tone(500, 44100)] * 2, 44100, "libmp3lame", "stereo")
    try:
        Path(f"{stem}.mp3").write_bytes(song)
        soundfile.write(os.fsencode(f"{stem}.wav"), tone(500, 48000), 48000, format="WAV")
    except OSError:
        pytest.skip("this file system has no such names")
    assert pitches(heard(Path(f"{stem}.mp3"))) == [500] * 4
    assert pitches(heard(Path(f"{stem}.wav"))) == [500] * 4


def test_tags_may_be_in_any_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(500, 48000)] * 4, 1), 48000)
    data, tag = path.read_bytes(), b"INFOINAM" + struct.pack("<I", 6) + b"caf\xe9\xff\0"
    at = data.index(b"data")
    path.write_bytes(data[:at] + b"LIST" + struct.pack("<I", len(tag)) + tag + data[at:])
    assert len(heard(path)) == 2 * RATE_HZ


def test_a_song_that_is_shorter_than_the_place_asked_for_is_begun_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "short.mp3"
    encoded(path, [tone(500, 44100)] * 2, 44100, "libmp3lame", "stereo")
    assert len(heard(path, from_s=99.0)) == len(heard(path))


def test_two_hours_of_mp3_begin_within_a_moment_anywhere_and_take_no_memory(tmp_path: Path) -> None:
    minute = encoded(tmp_path / "minute.mp3", [tone(500, 44100, 60.0)] * 2, 44100, "libmp3lame", "stereo", write_xing="0")
    path = tmp_path / "hours.mp3"
    path.write_bytes(minute * 120)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for from_s in (0.0, 5400.0):
        began = time.monotonic()
        blocks = decoded(path, from_s)
        next(blocks)
        took_s = time.monotonic() - began
        for _, (_block, _rate) in zip(range(20_000), blocks, strict=False):
            pass
        blocks.close()  # type: ignore[attr-defined]
        print(f"from {from_s:.0f} s: first sound after {took_s:.2f} s")
        assert took_s < 20.0  # ten times the goal
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


# What is heard left and right of each channel alone; the container's own order is told by the layout.
LAYOUTS = {
    "5.1": ["FL", "FR", "FC", "LFE", "BL", "BR"],
    "7.1": ["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"],
}


@pytest.mark.parametrize(
    ("name", "codec", "layout"),
    [
        ("a.wav", "pcm_f32le", "5.1"),
        ("a.flac", "flac", "5.1"),
        ("a.ogg", "vorbis", "5.1"),
        ("a.opus", "libopus", "5.1"),
        ("a.wav", "pcm_f32le", "7.1"),
    ],
)
def test_every_channel_of_surround_is_heard_on_its_side_and_all_together_do_not_clip(
    tmp_path: Path, name: str, codec: str, layout: str
) -> None:
    places = LAYOUTS[layout]
    frequencies = [400 * (number + 1) for number in range(len(places))]
    channels = [2 * tone(hz, 48000) for hz in frequencies]
    path = tmp_path / name
    if codec == "flac":
        soundfile.write(path, np.stack(channels, 1), 48000)  # FLAC's own order of six is that of 5.1
    elif codec == "vorbis":  # which has the centre second and the sub last
        soundfile.write(path, np.stack([channels[number] for number in (0, 2, 1, 4, 5, 3)], 1), 48000)
    else:
        encoded(path, channels, 48000, codec, layout)
    samples = heard(path)
    assert np.abs(samples).max() <= 1.0
    middle = samples[RATE_HZ // 2 : RATE_HZ // 2 + RATE_HZ]
    levels = np.abs(np.fft.rfft(middle, axis=0)) / len(middle) * 2
    for place, hz in zip(places, frequencies, strict=True):
        left, right = levels[hz]
        if place == "LFE":
            assert max(left, right) < 0.02
        elif place == "FC":
            assert left == pytest.approx(right, rel=0.1)
            assert left > 0.1
        else:
            near, far = (left, right) if place.endswith("L") else (right, left)
            assert near > 0.1 > 10 * far, place


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
def test_channels_whose_places_are_not_said_are_in_the_usual_ones_and_none_is_lost(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([2 * tone(400 * (number + 1), 48000) for number in range(channels)], 1), 48000)
    samples = heard(path)
    assert np.abs(samples).max() <= 1.0
    middle = samples[RATE_HZ // 2 : RATE_HZ // 2 + RATE_HZ]
    levels = (np.abs(np.fft.rfft(middle, axis=0)) / len(middle) * 2)[[400 * (number + 1) for number in range(channels)]]
    assert levels.max(axis=1).min() > 0.1
    assert levels[0, 0] > 10 * levels[0, 1], "the first is left"
    assert levels[1, 1] > 10 * levels[1, 0], "the second is right"


def test_eighteen_stems_are_all_heard_alike_and_do_not_clip(tmp_path: Path) -> None:
    path = tmp_path / "stems.wav"
    stems = np.stack([2 * tone(200 * (number + 1), 48000) for number in range(18)], 1)
    soundfile.write(path, stems, 48000, subtype="FLOAT")
    samples = heard(path)
    assert np.abs(samples).max() <= 1.0
    middle = samples[RATE_HZ // 2 : RATE_HZ // 2 + RATE_HZ]
    levels = (np.abs(np.fft.rfft(middle, axis=0)) / len(middle) * 2)[[200 * (number + 1) for number in range(18)]]
    np.testing.assert_allclose(levels, 1 / 18, rtol=0.02)


@pytest.mark.parametrize("name", ["bare.raw", "bare.RAW", "bare.s16le", "bare.snd", "bare.sw"])
def test_bare_samples_are_one_line_that_says_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(range(256)) * 100)
    with pytest.raises(OSError, match="expected a file") as caught:
        open_source(str(tmp_path / name), paced=False)
    assert "\n" not in str(caught.value)
