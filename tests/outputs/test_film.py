import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from engine.core.types import ByteArray, FloatArray
from engine.outputs.film import KEYFRAME_EVERY_S, SETTLED_S, SOUND_LAG_S, FilmSink

SIZE, FPS, RATE_HZ = (320, 180), 30, 48000
HOP = RATE_HZ // FPS


def open_film(
    path: Path, size: tuple[int, int] = SIZE, rate_hz: float = FPS, sound_rate_hz: int = RATE_HZ, paced: bool = False
) -> FilmSink:
    sink = FilmSink(path)
    sink.open(size, rate_hz, sound_rate_hz, paced)
    return sink


def numbered(number: int, size: tuple[int, int] = SIZE) -> ByteArray:
    """A picture that carries its number: eight fields, each dark or bright."""
    picture = np.full((size[1], size[0], 4), 255, np.uint8)
    for bit in range(8):
        field = slice(bit * size[0] // 8, (bit + 1) * size[0] // 8)
        picture[:, field, :3] = 200 if number >> bit & 1 else 40
    return picture


def noise(rng: np.random.Generator) -> ByteArray:
    """A picture that no encoder makes small; two seconds of it are about a megabyte."""
    return rng.integers(0, 255, (90, 160, 4), np.uint8)


def number_of(rgb: ByteArray) -> int:
    fields = rgb.mean(axis=(0, 2)).reshape(8, -1).mean(axis=1)
    return sum(1 << bit for bit in range(8) if fields[bit] > 120)


@dataclass(frozen=True)
class Film:
    times_s: list[float]
    pictures: list[ByteArray]
    sound: FloatArray  # (n,), left, from time 0


def play(path: Path) -> Film:
    """Decode a film as a player does, up to where it ends or breaks off."""
    times_s, pictures, sound = [], [], [np.zeros(0, np.float32)]
    with av.open(str(path)) as container, contextlib.suppress(av.error.InvalidDataError):
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                times_s.append(frame.time)
                pictures.append(frame.to_ndarray(format="rgb24"))
            else:
                lost = round(frame.time * RATE_HZ) - sum(map(len, sound))
                sound.append(np.zeros(max(lost, 0), np.float32))
                sound.append(frame.to_ndarray()[0][max(-lost, 0) :])
    return Film(times_s, pictures, np.concatenate(sound))


def boxes(path: Path) -> list[bytes]:
    """The kinds of the file's outermost boxes, all of them whole."""
    data, at, kinds = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        kinds.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    assert at == len(data), "the last box is torn"
    return kinds


def click_at(sound: FloatArray) -> float:
    return float(np.argmax(np.abs(sound) > 0.3)) / RATE_HZ


def test_a_film_made_frame_by_frame_holds_every_picture_at_its_time_and_its_sound_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "film.mp4"
    sink = open_film(path, SIZE, FPS, paced=False)
    for number in range(200):
        sound = np.zeros((HOP, 2), np.float32)
        sound[0] = 0.9 if number == 77 else 0.0
        sink.sound(sound, 3.0 + number / FPS)
        sink.picture(numbered(number), 3.0 + number / FPS)
    sink.close()
    status = sink.status()
    assert (status.state, status.pictures, status.dropped, status.message) == ("closed", 200, 0, "")
    assert status.seconds == pytest.approx(200 / FPS)
    film = play(path)
    assert [number_of(picture) for picture in film.pictures] == list(range(200))
    assert film.times_s == pytest.approx([number / FPS for number in range(200)], abs=1e-3)
    assert click_at(film.sound) == pytest.approx(77 / FPS, abs=0.001)
    assert len(film.sound) / RATE_HZ == pytest.approx(200 / FPS, abs=0.05)


def test_a_closed_film_is_an_ordinary_mp4_in_tagged_bt709(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    wanted = np.array([(250, 20, 20), (20, 220, 30), (40, 50, 230), (200, 120, 40)], np.uint8)
    picture = np.full((*SIZE[::-1], 4), 255, np.uint8)
    picture[..., :3] = np.repeat(wanted, SIZE[0] // 4, axis=0)
    sink = open_film(path, SIZE, FPS, paced=False)
    for number in range(70):
        sink.picture(picture, number / FPS)
    sink.close()
    assert boxes(path) == [b"ftyp", b"free", b"mdat", b"moov"]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, stream.frames, stream.average_rate) == ("h264", 70, FPS)
        assert (codec.pix_fmt, codec.color_primaries, codec.color_trc, codec.colorspace) == ("yuv420p", 1, 1, 1)
        assert codec.color_range == 1
        assert container.streams.audio[0].codec_context.name == "aac"
    middles = play(path).pictures[35][90, SIZE[0] // 8 :: SIZE[0] // 4]
    assert np.abs(middles.astype(int) - wanted).max() <= 4


def test_pictures_in_real_time_are_dropped_and_counted_rather_than_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    size = (1280, 720)
    noise = np.random.default_rng(5).integers(0, 255, (*size[::-1], 4), np.uint8)
    sink = open_film(path, size, FPS, paced=True)
    longest_s = 0.0
    for number in range(150):  # as fast as they can be copied: far faster than noise can be encoded
        before_s = time.monotonic()
        sink.picture(noise, number / FPS)
        longest_s = max(longest_s, time.monotonic() - before_s)
        sink.sound(np.full((HOP, 2), 0.1, np.float32), number / FPS)
    sink.close()
    status = sink.status()
    assert status.state == "closed"
    assert status.dropped > 0
    assert status.pictures + status.dropped == 150
    assert status.lost_s == 0.0
    assert longest_s < 5.0  # not one of them waited for the encoder; that some were dropped says the same
    film = play(path)
    assert len(film.pictures) == status.pictures
    assert len(film.sound) / RATE_HZ == pytest.approx(150 / FPS, abs=0.05)


def test_sound_that_finds_no_room_is_counted_as_sound_and_no_picture_with_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    sink = open_film(path, SIZE, 2.0, paced=True)  # two pictures a second, and between them a hundred blocks of sound each
    block, given = np.full((480, 2), 0.1, np.float32), 0
    while sink.status().lost_s == 0.0 and given < 10_000:  # far faster than it can be encoded
        sink.sound(block, given * 0.01)
        given += 1
    sink.picture(numbered(1), 0.0)
    sink.picture(numbered(2), 0.5)
    sink.close()
    sink.sound(block, given * 0.01)  # nobody asked for what comes after the end
    sink.picture(numbered(3), 1.0)
    status = sink.status()
    assert (status.state, status.pictures, status.dropped) == ("closed", 2, 0)
    assert status.lost_s == pytest.approx(0.01)
    film = play(path)
    assert [number_of(picture) for picture in film.pictures] == [1, 2]
    assert len(film.sound) / RATE_HZ == pytest.approx((given - 1) * 0.01, abs=0.05)


def test_a_film_without_any_sound_coming_has_silence(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    sink = open_film(path, SIZE, FPS, paced=False)
    for number in range(150):
        sink.picture(numbered(number), number / FPS)
    sink.close()
    film = play(path)
    assert len(film.pictures) == 150
    assert len(film.sound) / RATE_HZ >= 150 / FPS - SOUND_LAG_S - 0.1
    assert not film.sound.any()


def test_two_pictures_for_one_place_keep_the_first(tmp_path: Path) -> None:
    sink = open_film(tmp_path / "film.mp4", SIZE, FPS, paced=False)
    for number in range(120):  # a display of 60 Hz
        sink.picture(numbered(number), number / 60 + 0.001)
    sink.close()
    assert sink.status().dropped == 0
    film = play(tmp_path / "film.mp4")
    assert len(film.pictures) == pytest.approx(60, abs=1)
    assert film.times_s == pytest.approx([number / FPS for number in range(len(film.times_s))], abs=1e-3)


@pytest.mark.parametrize("paced", [False, True])
def test_a_lost_sound_card_leaves_silence_of_its_own_length(tmp_path: Path, paced: bool) -> None:
    path = tmp_path / "film.mp4"
    sink = open_film(path, SIZE, FPS, paced=paced)
    for number in range(180):
        time_s = 40.0 + number / FPS
        sink.picture(numbered(number), time_s)
        if not 30 <= number < 120:
            sound = np.zeros((HOP, 2), np.float32)
            sound[0] = 0.9 if number == 150 else 0.0
            sink.sound(sound, time_s + 0.003 * (number % 3))  # sound comes a little unevenly
        while sink.status().pictures < number - 6:
            time.sleep(0.001)
    sink.close()
    assert sink.status().dropped == 0
    assert click_at(play(path).sound) == pytest.approx(150 / FPS, abs=0.02)


def test_sound_that_began_before_the_first_picture_is_cut_to_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    sink = open_film(path, SIZE, FPS, paced=False)
    sink.picture(numbered(0), 10.0)
    sound = np.zeros((RATE_HZ, 2), np.float32)
    sound[RATE_HZ * 3 // 4] = 0.9  # at 10.25 s
    sink.sound(sound, 9.5)
    for number in range(1, 40):
        sink.picture(numbered(number), 10.0 + number / FPS)
    sink.close()
    assert click_at(play(path).sound) == pytest.approx(0.25, abs=0.001)


def test_sound_that_is_no_number_does_not_end_the_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    sink = open_film(path, SIZE, FPS, paced=False)
    for number in range(40):
        sink.picture(numbered(number), number / FPS)
        sink.sound(np.full((HOP, 2), (np.nan, np.inf)[number % 2], np.float32), number / FPS)
    sink.close()
    assert sink.status().state == "closed"
    assert np.isfinite(play(path).sound).all()


def test_odd_sizes_are_rounded_down_and_other_sizes_scaled(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    sink = open_film(path, (321, 181), FPS, sound_rate_hz=0, paced=False)
    for number in range(20):
        sink.picture(numbered(number, (321, 181) if number < 10 else (640, 360)), number / FPS)
    sink.close()
    film = play(path)
    assert [number_of(picture) for picture in film.pictures] == list(range(20))
    assert film.pictures[0].shape == (180, 320, 3)
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_a_window_of_another_size_goes_on_in_a_new_numbered_film_once_its_size_has_settled(tmp_path: Path) -> None:
    path, second = tmp_path / "film.mp4", tmp_path / "film-2.mp4"
    sink = open_film(path)
    dragged = [(330, 190), (400, 220), (480, 270)]  # a window's edge on its way
    for number in range(150):
        if number in (60, 64, 68):
            sink.resize(dragged[(number - 60) // 4])
        size = SIZE if number < 60 else dragged[min((number - 60) // 4, 2)]
        sink.picture(numbered(number, size), number / FPS)
        sink.sound(np.full((HOP, 2), 0.1, np.float32), number / FPS)
    sink.close()
    assert sink.messages() == [f"{path} ends with its size; {second} goes on in 480x270"]
    status = sink.status()
    assert (status.state, status.pictures, status.dropped, status.title) == ("closed", 150, 0, str(second))
    assert status.seconds == pytest.approx(150 / FPS)
    films = [play(path), play(second)]
    turn = 68 + round(SETTLED_S * FPS)
    assert [[number_of(picture) for picture in film.pictures] for film in films] == [list(range(turn)), list(range(turn, 150))]
    assert [film.pictures[0].shape for film in films] == [(180, 320, 3), (270, 480, 3)]
    assert [len(film.sound) / RATE_HZ for film in films] == pytest.approx([turn / FPS, (150 - turn) / FPS], abs=0.06)
    assert films[1].times_s[0] == 0.0
    assert not (tmp_path / "film-3.mp4").exists()


def test_a_film_that_begins_again_after_a_crash_leaves_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"filmed before")
    sink = FilmSink.from_target(str(tmp_path / "film.mp4"))
    sink.restarted()
    assert (sink.path, sink.title) == (tmp_path / "film-2.mp4", str(tmp_path / "film-2.mp4"))


def test_a_killed_process_leaves_a_film_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    code = f"""
import time, numpy as np
from pathlib import Path
from engine.outputs.film import FilmSink
sink = FilmSink(Path({str(path)!r}))
sink.open((160, 90), {FPS}, {RATE_HZ}, paced=False)
rng = np.random.default_rng(0)
for number in range(300):
    sink.picture(rng.integers(0, 255, (90, 160, 4), np.uint8), number / {FPS})
    sink.sound(np.zeros(({HOP}, 2), np.float32), number / {FPS})
while sink.status().pictures < 300:
    time.sleep(0.01)
print("recorded", flush=True)
time.sleep(60)
"""
    child = subprocess.Popen((sys.executable, "-c", code), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"recorded\n"
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    film = play(path)
    # What the encoder and the newest fragment held is gone, and nothing else.
    assert len(film.pictures) >= 300 - 2 * KEYFRAME_EVERY_S * FPS
    assert len(film.sound) / RATE_HZ >= 10.0 - 2 * KEYFRAME_EVERY_S


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)), capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"no small disk can be mounted here, so none is filled: {mount.stderr.strip()}")
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


@pytest.mark.parametrize("paced", [False, True])
def test_a_full_disk_closes_the_film_playable_and_says_so(small_disk: Path, paced: bool) -> None:
    path = small_disk / "film.mp4"
    rng = np.random.default_rng(1)
    sink = open_film(path, (160, 90), FPS, paced=paced)
    number, until_s = 0, time.monotonic() + 60.0
    while sink.status().state == "open" and time.monotonic() < until_s:  # a busy machine drops pictures of a paced film
        sink.picture(noise(rng), number / FPS)
        sink.sound(np.zeros((HOP, 2), np.float32), number / FPS)
        number += 1
        time.sleep(0.005 if paced else 0.0)
    status = sink.status()
    if status.state == "open":
        sink.close()
    assert status.state == "disk full"
    assert status.message == f"expected room for {path}; got No space left on device; kept the film up to there"
    sink.picture(numbered(1), 100.0)  # the show goes on
    sink.sound(np.zeros((HOP, 2), np.float32), 100.0)
    sink.close()
    assert sink.status().state == "disk full"
    film = play(path)
    assert len(film.pictures) >= 0.8 * KEYFRAME_EVERY_S * FPS  # x264 may begin a fragment early
    assert film.times_s == pytest.approx([number / FPS for number in range(len(film.times_s))], abs=1e-3) or paced
    assert len(film.sound) > 0.9 * film.times_s[-1] * RATE_HZ
    assert boxes(path) == [b"ftyp", b"free", b"free", b"moov", *[b"moof", b"mdat"] * (len(boxes(path)) // 2 - 2)]


def test_a_disk_that_is_full_from_the_start_is_told_and_harmless(small_disk: Path) -> None:
    (small_disk / "rest").write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    sink = open_film(small_disk / "film.mp4", SIZE, FPS, paced=False)
    for number in range(200):
        sink.picture(numbered(number), number / FPS)
    sink.close()
    assert sink.status().state == "disk full"


def test_a_limit_on_the_size_of_files_is_met_like_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    code = f"""
import resource, numpy as np
from pathlib import Path
from engine.outputs.film import FilmSink
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
sink = FilmSink(Path({str(path)!r}))
sink.open((160, 90), {FPS}, {RATE_HZ}, paced=False)
rng = np.random.default_rng(0)
for number in range(300):
    sink.picture(rng.integers(0, 255, (90, 160, 4), np.uint8), number / {FPS})
sink.close()
print(sink.status().state, end="")
"""
    run = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout == "disk full"
    assert len(play(path).pictures) >= 0.8 * KEYFRAME_EVERY_S * FPS


def test_a_film_that_cannot_be_begun_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a film ending in .mp4, .m4v or .mov; got .*film.avi"):
        open_film(tmp_path / "film.avi", SIZE, FPS)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        open_film(tmp_path / "file" / "film.mp4", SIZE, FPS)
    assert not (tmp_path / "film.avi").exists()
