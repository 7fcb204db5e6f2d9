import math
from itertools import pairwise

import pytest
from song import HOP_S
from tempo_stand import Sender, Stand, heard, on_grid


def test_a_midi_clock_goes_before_what_is_heard_and_hands_before_both():
    stand = Stand(heard(90.0))
    sender = Sender(stand, 140.0, 4.0, 16.0)
    stand.run(3.9)
    assert stand.transport.source == "analysis"
    stand.run(8.0)
    assert stand.transport.source == "clock"
    assert stand.base("bpm") == pytest.approx(140.0, abs=0.1)
    assert on_grid(stand.beats_between(6.0, 8.0), 4.0, 60 / 140, 2 * HOP_S)
    stand.press(8.0, "bpm", 100.0)
    stand.run(10.0)
    assert stand.transport.source == "hands"
    stand.press(10.0, "release")
    stand.run(12.0)
    assert stand.transport.source == "clock"
    for choice in ("analysis", "clock", "hands", "auto"):
        stand.press(12.0, "source", choice)
        stand.run(stand.tick * HOP_S + 0.5)
        assert stand.transport.source == (choice if choice != "auto" else "clock")
    stand.run(20.0)  # the clock fell silent
    assert stand.transport.source == "analysis"
    assert sender.clock.state is not None
    assert stand.never_went_back()


def test_start_and_song_position_say_where_the_bar_is():
    stand = Stand()
    sender = Sender(stand, 120.0, 0.0, math.inf)
    sender.messages = [(7.26, "start", 0)]
    stand.run(16.0)
    pulse_s = 7.26 + (-7.26) % (0.5 / 24)  # the first after the start is its first beat
    assert on_grid([t for t in stand.firsts if t > 9.5], pulse_s, 2.0, 2 * HOP_S)
    stand.press(16.0, "resync")
    stand.run(20.0)
    sender.messages = [(20.3, "stop", 0), (20.4, "songpos", 4 * 6), (21.0, "continue", 0)]  # to the third beat of a bar
    stand.run(30.0)
    resumed_s = 21.0 + (-21.0) % (0.5 / 24)
    assert on_grid([t for t in stand.firsts if t > 24.0], resumed_s + 1.0, 2.0, 2 * HOP_S)
    assert stand.never_went_back()


def test_a_resync_of_a_clock_outlives_hands_that_hold_for_a_while_but_not_its_next_start():
    stand = Stand()
    sender = Sender(stand, 120.0, 0.0, math.inf)
    stand.press(6.5, "resync")
    stand.run(7.0)
    stand.press(8.0, "bpm", 100.0)
    stand.press(12.0, "release")
    stand.run(24.0)
    assert on_grid([t for t in stand.firsts if t > 16.0], 6.5, 2.0, 2 * HOP_S)
    stand.press(24.0, "hold", True)
    stand.run(25.0)
    sender.messages = [(26.01, "start", 0)]
    stand.run(28.0)
    stand.press(28.0, "release")
    stand.run(40.0)
    assert on_grid([t for t in stand.firsts if t > 32.0], 26.01 + (-26.01) % (0.5 / 24), 2.0, 2 * HOP_S)
    assert stand.never_went_back()


def test_whoever_takes_over_the_picture_does_not_jump():
    stand = Stand(heard(100.0, 0.3))
    Sender(stand, 141.0, 5.0, 12.0)
    stand.press(8.0, "bpm", 60.0)
    stand.press(10.0, "release")
    stand.run(20.0)
    steps = [b - a for a, b in pairwise(stand.pictures[200:])]
    assert min(steps) >= 0.0
    assert max(steps) < 4.0 * 141 / 60 * HOP_S
