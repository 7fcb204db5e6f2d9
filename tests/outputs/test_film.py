import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from filming import FPS, HOP, RATE_HZ, SIZE, boxes, click_at, number_of, numbered, open_film, play

from engine.outputs.film import KEYFRAME_EVERY_S, SETTLED_S, FilmSink


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


def test_two_pictures_for_one_place_keep_the_first(tmp_path: Path) -> None:
    sink = open_film(tmp_path / "film.mp4", SIZE, FPS, paced=False)
    for number in range(120):  # a display of 60 Hz
        sink.picture(numbered(number), number / 60 + 0.001)
    sink.close()
    assert sink.status().dropped == 0
    film = play(tmp_path / "film.mp4")
    assert len(film.pictures) == pytest.approx(60, abs=1)
    assert film.times_s == pytest.approx([number / FPS for number in range(len(film.times_s))], abs=1e-3)


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


@pytest.mark.parametrize("name", ["film.mp4", "FILM.MKV"])
def test_a_killed_process_leaves_a_film_that_plays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
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


def test_a_film_that_cannot_be_begun_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a film ending in .mp4, .m4v, .mov or .mkv; got .*film.avi"):
        open_film(tmp_path / "film.avi", SIZE, FPS)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        open_film(tmp_path / "file" / "film.mp4", SIZE, FPS)
    assert not (tmp_path / "film.avi").exists()


@pytest.mark.parametrize(
    ("name", "muxer"), [("film.mkv", "matroska"), ("FILM.MKV", "matroska"), ("film.MP4", "mp4"), ("f.Mov", "mov")]
)
def test_a_film_is_what_its_ending_says_in_any_case(tmp_path: Path, name: str, muxer: str) -> None:
    sink = open_film(tmp_path / name, SIZE, FPS, paced=False)
    for number in range(30):
        sink.picture(numbered(number), number / FPS)
    sink.close()
    assert [number_of(picture) for picture in play(tmp_path / name).pictures] == list(range(30))
    with av.open(str(tmp_path / name)) as film:
        assert muxer in film.format.name
