import random
from itertools import pairwise

import pytest

from engine.control.taps import PAUSE_BEATS, PAUSE_S, Taps


def tapped(times_s) -> Taps:
    taps = Taps()
    for t in times_s:
        taps.press(t)
    return taps


def test_one_tap_is_no_tempo_and_the_second_makes_one():
    taps = Taps()
    assert taps.press(100.0)
    assert taps.bpm == 0.0
    assert taps.press(100.5)
    assert taps.bpm == pytest.approx(120.0)


@pytest.mark.parametrize("bpm", [33.0, 58.0, 97.3, 128.0, 174.0, 240.0, 390.0])
def test_steady_taps_are_the_tempo(bpm):
    assert tapped(7.0 + n * 60.0 / bpm for n in range(9)).bpm == pytest.approx(bpm)


def test_a_hand_that_shakes_by_15_ms_comes_within_one_percent():
    for seed in range(50):
        shake = random.Random(seed)
        assert tapped(n * 0.46875 + shake.gauss(0.0, 0.015) for n in range(12)).bpm == pytest.approx(128.0, rel=0.015)


@pytest.mark.parametrize("missing", range(1, 11))
def test_a_missed_tap_changes_nothing(missing):
    taps = Taps()
    for n in range(12):
        if n != missing or missing == 1:  # the second makes the tempo
            assert taps.press(n * 0.5 + 0.004 * (-1) ** n)
    assert taps.bpm == pytest.approx(120.0, rel=0.01)


@pytest.mark.parametrize("early_s", [0.03, 0.1, 0.2])
def test_a_doubled_tap_is_no_beat_and_changes_nothing(early_s):
    taps = tapped(n * 0.5 for n in range(5))
    assert not taps.press(2.0 + early_s)
    assert taps.bpm == pytest.approx(120.0)
    assert taps.press(2.5)
    assert taps.bpm == pytest.approx(120.0)


@pytest.mark.parametrize("bpm", [60.0, 100.0, 140.0, 240.0])
def test_another_tempo_is_taken_at_its_third_tap_without_a_pause(bpm):
    times = [n * 0.5 for n in range(8)]
    times += [times[-1] + n * 60.0 / bpm for n in (1, 2, 3, 4)]
    assert tapped(times).bpm == pytest.approx(bpm, rel=0.01)


def test_a_pause_begins_anew():
    taps = tapped(n * 0.5 for n in range(8))
    assert taps.press(3.5 + 0.5 * PAUSE_BEATS + 0.01)
    assert taps.bpm == 0.0
    lonely = tapped([0.0, PAUSE_S + 0.01])
    assert lonely.bpm == 0.0
    assert lonely.press(PAUSE_S + 0.61)
    assert lonely.bpm == pytest.approx(100.0)


def test_a_clock_that_goes_back_and_taps_at_once_do_no_harm():
    taps = tapped([5.0, 5.0, 5.0, 4.0, 3.0, 3.5])
    assert taps.bpm == pytest.approx(120.0)


def test_any_taps_give_a_tempo_in_range():
    shake = random.Random(4)
    taps, t, seen = Taps(), 0.0, []
    for _ in range(3000):
        t += shake.expovariate(1.0) * shake.choice((0.05, 0.4, 2.0))
        taps.press(t)
        seen.append(taps.bpm)
    assert all(bpm == 0.0 or 20.0 <= bpm <= 400.0 for bpm in seen)
    assert any(a != b for a, b in pairwise(seen))
