import math
import random

import pytest

from engine.core.types import Music
from engine.remote.osc.beat_schedule import STALE_S, BeatSchedule

HOP_S = 256 / 48000


def music(beats, bpm=120.0):
    return Music(bpm, beats, "analysis", 0.0)


class Listener:
    """Ticks on a clock of their own, and all beats that are told: (number, when)."""

    def __init__(self):
        self.beats, self.now_s, self.told = BeatSchedule(), 1000.0, []

    def play(self, seconds, count, offset_s=0.0, every_s=HOP_S, late=lambda: 0.0, bpm=120.0):
        """Play `count(seconds since the start)` beats; look whenever a tick came and whenever it was foretold."""
        start_s = self.now_s
        for step in range(1, round(seconds / every_s) + 1):
            t_heard = start_s + step * every_s
            arrived = t_heard + late()
            while (due_s := self.beats.next_s(self.now_s, offset_s)) < arrived:
                self.now_s = max(due_s, self.now_s + 1e-4)
                self.look(offset_s)
            self.now_s = max(arrived, self.now_s)
            self.beats.hear(music(count(t_heard - start_s), bpm), arrived)
            self.look(offset_s)
        return self.told

    def look(self, offset_s):
        beat = self.beats.due(self.now_s, offset_s)
        if beat is not None:
            self.told.append((beat, self.now_s - 1000.0))


@pytest.mark.parametrize("every_s", [HOP_S, 0.02, 0.05])
def test_a_steady_beat_is_told_at_its_moment_however_seldom_ticks_come(every_s):
    told = Listener().play(10.0, lambda t: 2.0 * t, every_s=every_s)
    assert [number for number, _ in told] == list(range(1, len(told) + 1))
    assert len(told) in (19, 20)
    assert max(abs(when - number / 2.0) for number, when in told[2:]) < 1e-3


@pytest.mark.parametrize("offset_s", [0.1, 0.3, 0.9, -0.05, -0.7])
def test_it_is_told_early_or_late_as_asked(offset_s):
    told = Listener().play(10.0, lambda t: 2.0 * t, offset_s)
    assert [number for number, _ in told[4:]] == list(range(told[4][0], told[-1][0] + 1))
    assert max(abs(when - (number / 2.0 - offset_s)) for number, when in told[4:]) < 1e-3


def test_each_beat_is_told_once_though_ticks_come_unevenly_and_the_tempo_wanders():
    for seed in range(20):
        rng, listener = random.Random(seed), Listener()
        told = listener.play(20.0, lambda t: 2.0 * t + 0.2 * math.sin(0.8 * t), 0.06, 0.021, lambda r=rng: r.random() * 0.015)
        numbers = [number for number, _ in told]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) > 36


def test_what_cannot_be_foretold_is_told_when_it_is_heard():
    """A count that runs by fits and starts: never early, at most a tick late."""
    listener, count = Listener(), lambda t: math.floor(t * 4) / 2 + 0.2
    told = listener.play(6.0, count, 0.1)
    assert not listener.beats.steady
    assert max(abs(when - math.ceil((number - 0.2) * 2) / 4) for number, when in told) <= HOP_S + 1e-6
    assert [number for number, _ in told] == list(range(1, 13))[: len(told)]


def test_of_beats_that_were_jumped_over_only_the_last_is_told():
    listener = Listener()
    listener.play(2.2, lambda t: 2.0 * t)
    listener.told.clear()
    listener.play(1.0, lambda t: 9.6 + 2.0 * t)
    assert [number for number, _ in listener.told] == [9, 10, 11]


def test_a_count_that_begins_anew_is_followed_from_there():
    listener = Listener()
    listener.play(10.2, lambda t: 2.0 * t)
    listener.told.clear()
    listener.play(3.2, lambda t: 2.0 * t)
    assert [number for number, _ in listener.told] == [1, 2, 3, 4, 5, 6]


def test_nothing_is_foretold_long_after_the_last_tick():
    listener = Listener()
    listener.play(3.01, lambda t: 2.0 * t)
    listener.told.clear()
    for _ in range(1000):
        listener.now_s += 0.01
        listener.look(0.0)
    assert listener.told == []
    assert listener.beats.next_s(listener.now_s, 0.0) == math.inf
    assert listener.beats.position(listener.now_s, 0.0) == pytest.approx(6.02 + 2.0 * STALE_S, abs=0.02)


def test_the_phase_runs_from_told_beat_to_told_beat():
    listener, offset_s = Listener(), 0.1
    listener.play(5.0, lambda t: 2.0 * t, offset_s)
    assert listener.told[-1] == (10, pytest.approx(4.9))
    for later in (0.0, 0.1, 0.14):
        assert listener.beats.phase(listener.now_s + later, offset_s) == pytest.approx(2.0 * (0.1 + later), abs=0.02)
    listener.beats.hear(music(9.78), listener.now_s + 0.01)  # a tick that sets it back a little: not through 0.98 again
    assert listener.beats.phase(listener.now_s + 0.01, offset_s) == 0.0
