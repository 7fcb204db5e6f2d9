import time
from pathlib import Path

import numpy as np
import pytest
from filming import FPS, HOP, RATE_HZ, SIZE, click_at, number_of, numbered, open_film, play

from engine.outputs.film import SOUND_LAG_S


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
