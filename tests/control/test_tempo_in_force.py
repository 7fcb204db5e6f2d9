import itertools
import json
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from song import HOP_S, INFO, RATE_HZ, frame, step

from engine.bench.kick_player import kick
from engine.control.patch import MACROS, load_patch
from engine.control.transport import Transport
from engine.control.tree import ParamTree
from engine.core.types import Change, ClockState, Event, Tick, Value
from engine.features.analysis.analyser import Analysis
from engine.instrument.patch_player import PatchPlayer
from engine.remote.midi.midi_clock import MidiClock

Values = Callable[[float], dict[str, float]]


def nothing(t: float) -> dict[str, float]:
    return {}


def heard(bpm: float, offset_beats: float = 0.0, confidence: float = 0.9, until_s: float = math.inf) -> Values:
    """What the analysis says of a steady beat that has a beat at time 0, or `offset_beats` earlier."""

    def values(t: float) -> dict[str, float]:
        beats = t * bpm / 60.0 + offset_beats
        sure = confidence if t < until_s else 0.0
        return {"tempo_bpm": bpm, "tempo_confidence": sure, "beat_phase": beats % 1.0, "bar_phase": beats / 4 % 1.0}

    return values


class Stand:
    """A meter in a tree, stepped hop by hop; the moment of a hop is its end, in seconds, on every clock there is."""

    def __init__(self, values: Values = nothing) -> None:
        self.values, self.tree, self.tick = values, ParamTree(), 0
        self.transport = Transport(HOP_S, self.tree)
        self.latency_s = 0.0
        self.clock: Callable[[], ClockState | None] = lambda: None
        self.sounds, self.pictures, self.bars = [0.0], [0.0], [0.0]  # positions at the end of each hop
        self.hits: list[tuple[float, int]] = []  # beat events of the picture: when, and which
        self.firsts: list[float] = []  # bar events of the picture
        self._presses: list[tuple[float, Change]] = []

    def press(self, taken_s: float, name: str, value: Value = 1, at_s: float | None = None) -> None:
        """A hand's change at that moment, taken in the hop that is heard next; or of the moment `at_s` before it."""
        self._presses.append((taken_s, Change(f"/tempo/{name}", value, taken_s if at_s is None else at_s)))

    def run(self, until_s: float) -> None:
        while (end_s := (self.tick + 1) * HOP_S) <= until_s:
            due = [press for press in self._presses if press[0] < end_s - HOP_S]
            self._presses = [press for press in self._presses if press not in due]
            self.tree.apply(self.tree.take())
            changes = tuple(change for _, change in due)
            for change in changes:
                self.tree.set_base(change.address, change.value)
            context = self.transport.step(frame(self.tick, self.values(end_s)), changes, self.latency_s, self.clock())
            self.tree.update(HOP_S)
            self.tick += 1
            self.sounds.append(self.transport.music.beats)
            self.pictures.append(context.beats)
            self.bars.append(context.bars)
            if context.beat_now and context.steady:
                self.hits.append((end_s, math.floor(context.beats)))
            if context.bar_now:
                self.firsts.append(end_s)

    def base(self, name: str) -> object:
        return self.tree.leaf(f"/tempo/{name}").base

    def beats_between(self, from_s: float, to_s: float) -> list[float]:
        """When the sound's beats fell, to the hop."""
        first, last = round(from_s / HOP_S), min(round(to_s / HOP_S), self.tick)
        return [n * HOP_S for n in range(first + 1, last + 1) if math.floor(self.sounds[n]) > math.floor(self.sounds[n - 1])]

    def never_went_back(self) -> bool:
        return all(b >= a for kind in (self.sounds, self.pictures, self.bars) for a, b in pairwise(kind))


def on_grid(times: list[float], first_s: float, period_s: float, within_s: float = 1.1 * HOP_S) -> bool:
    """Whether all of some times, at least three, lie on multiples of the period from `first_s`."""
    off = [(t - first_s + 0.5 * period_s) % period_s - 0.5 * period_s for t in times]
    return len(times) >= 3 and all(abs(item) <= within_s for item in off)


# --- hands -------------------------------------------------------------------------------------------------------------


def test_two_taps_take_the_tempo_and_every_tap_is_a_beat():
    stand = Stand(heard(127.0))
    stand.press(5.013, "tap")
    stand.run(5.5)
    assert stand.transport.source == "analysis"
    stand.press(5.613, "tap")
    stand.run(12.0)
    assert stand.transport.music.source == "hands"
    assert stand.base("bpm") == pytest.approx(100.0)
    assert stand.base("hold") is True
    assert on_grid(stand.beats_between(6.3, 12.0), 5.613, 0.6)
    assert stand.never_went_back()


def test_a_tap_counts_where_it_was_pressed_not_where_it_was_taken():
    stand = Stand()
    for n in range(4):
        stand.press(2.003 + 0.5 * n, "tap")
    stand.press(4.09, "tap", at_s=4.043)  # a key that waited for the next picture
    stand.run(9.0)
    assert on_grid(stand.beats_between(5.0, 9.0), 4.043, 0.5, 2.1 * HOP_S)


def test_one_tap_moves_the_beat_of_a_tempo_that_hands_hold():
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(6.2, "tap")
    stand.run(12.0)
    assert on_grid(stand.beats_between(6.8, 12.0), 6.2, 0.5)
    assert stand.never_went_back()


def test_a_tap_is_followed_within_a_beat_from_wherever_the_clock_stood():
    for late in range(10):
        stand = Stand()
        stand.press(1.0, "bpm", 90.0)
        stand.press(5.0 + late / 15, "tap")
        stand.run(8.0)
        pressed = 5.0 + late / 15
        now = stand.sounds[round((pressed + 60 / 90 + 2 * HOP_S) / HOP_S)]
        assert min(now % 1.0, 1.0 - now % 1.0) < 0.05
        assert stand.never_went_back()


@pytest.mark.parametrize("pressed_s", [6.0, 6.1, 6.4, 7.0, 7.3, 7.9])
def test_resync_is_the_one_of_the_bar_for_hands(pressed_s):
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(pressed_s, "resync")
    stand.run(16.0)
    assert on_grid([t for t in stand.firsts if t > pressed_s + 2.1], pressed_s, 2.0)
    assert on_grid(stand.beats_between(pressed_s + 0.6, 16.0), pressed_s, 0.5)
    assert stand.never_went_back()


@pytest.mark.parametrize("pressed_s", [10.03, 10.47, 11.02, 11.53])
def test_resync_moves_the_bar_of_what_is_heard_to_the_nearest_beat(pressed_s):
    stand = Stand(heard(120.0))
    stand.press(pressed_s, "resync")
    stand.run(20.0)
    assert stand.transport.source == "analysis"
    assert on_grid([t for t in stand.firsts if t > pressed_s + 2.1], round(pressed_s * 2) / 2, 2.0)
    assert on_grid(stand.beats_between(5.0, 20.0), 0.0, 0.5)  # beats stay where they are heard
    assert stand.never_went_back()


@pytest.mark.parametrize(("name", "bpm"), [("half", 60.0), ("double", 240.0)])
def test_half_and_double_of_hands_keep_the_beat_and_the_bar(name, bpm):
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(4.1, "resync")
    stand.press(8.1, name)  # on a one
    stand.run(24.0)
    assert stand.base("bpm") == bpm
    assert on_grid(stand.beats_between(9.2, 24.0), 8.1, 60.0 / bpm)
    assert on_grid([t for t in stand.firsts if t > 9.2], 8.1, 240.0 / bpm)
    assert stand.never_went_back()


@pytest.mark.parametrize(("name", "bpm"), [("half", 60.0), ("double", 240.0)])
def test_half_and_double_stay_on_what_is_heard_until_hands_let_go(name, bpm):
    stand = Stand(heard(120.0))
    stand.press(8.1, name)
    stand.run(24.0)
    assert stand.transport.source == "analysis"
    assert stand.base("bpm") == bpm
    assert on_grid(stand.beats_between(10.0, 24.0), 0.0, 60.0 / bpm)
    firsts = [t for t in stand.firsts if t > 11.0]
    assert on_grid(firsts, firsts[0], 240.0 / bpm)
    assert on_grid(firsts, 0.0, 2.0 if name == "half" else 1.0)  # bars begin where a bar is heard to begin
    stand.press(24.1, "release")
    stand.run(34.0)
    assert stand.base("bpm") == 120.0
    assert on_grid(stand.beats_between(26.0, 34.0), 0.0, 0.5)
    assert stand.never_went_back()


def test_two_presses_between_two_hops_are_two():
    stand = Stand(heard(120.0))
    stand.run(6.0)
    for value in (0.02, 0.03):
        stand.tree.post("/tempo/nudge", value)
        stand.tree.post("/tempo/half", 1)
    stand.transport.step(frame(stand.tick, stand.values((stand.tick + 1) * HOP_S)), stand.tree.apply(stand.tree.take())[0])
    assert stand.transport.state()["nudges"]["analysis"] == pytest.approx(0.05)
    assert stand.transport.music.bpm == 30.0


def test_a_tempo_out_of_reach_is_not_taken():
    stand = Stand()
    stand.press(1.0, "bpm", 30.0)
    stand.press(2.0, "half")
    stand.run(3.0)
    assert stand.base("bpm") == 30.0
    stand.press(3.0, "bpm", 1000.0)
    stand.run(4.0)
    assert stand.base("bpm") == 400.0


@pytest.mark.parametrize("values", [nothing, heard(120.0)])
def test_a_nudge_brings_the_beats_forward_once(values):
    stand = Stand(values)
    if values is nothing:
        stand.press(0.0, "bpm", 120.0)
    stand.run(5.0)
    before = stand.beats_between(3.0, 5.0)
    stand.press(5.0, "nudge", 0.2)
    stand.press(5.2, "nudge", 0.1)
    stand.run(5.4)
    assert stand.base("nudge") == 0.0
    stand.run(12.0)
    assert on_grid(stand.beats_between(8.0, 12.0), before[0] - 0.15, 0.5, 2.1 * HOP_S)
    stand.press(12.0, "nudge", -0.3)
    stand.run(18.0)
    assert on_grid(stand.beats_between(14.0, 18.0), before[0], 0.5, 2.1 * HOP_S)
    assert stand.never_went_back()


def test_a_query_of_bpm_answers_the_tempo_in_force_whoever_keeps_it():
    stand = Stand(heard(127.0, until_s=10.0))
    assert stand.base("bpm") == 120.0
    stand.run(5.0)
    assert stand.base("bpm") == 127.0
    stand.press(5.0, "bpm", 140.0)
    stand.run(6.0)
    assert (stand.base("bpm"), stand.transport.source) == (140.0, "hands")
    stand.press(6.0, "release")
    stand.run(7.0)
    assert (stand.base("bpm"), stand.base("hold"), stand.transport.source) == (127.0, False, "analysis")
    stand.run(20.0)  # nothing is heard any more: it goes on
    assert (stand.base("bpm"), stand.transport.source) == (127.0, "analysis")


def test_hold_keeps_the_tempo_as_it_is_and_letting_go_follows_again():
    stand = Stand(lambda t: heard(127.0 if t < 6.0 else 135.0)(t))
    stand.press(5.0, "hold", True)
    stand.run(10.0)
    assert (stand.base("bpm"), stand.transport.source) == (127.0, "hands")
    stand.press(10.0, "hold", False)
    stand.run(11.0)
    assert (stand.base("bpm"), stand.transport.source) == (135.0, "analysis")


def test_hands_of_a_show_that_crashed_hold_on():
    stand = Stand(heard(90.0))
    for name, value in (("bpm", 133.0), ("hold", True)):
        stand.tree.set_base(f"/tempo/{name}", value)
    stand.run(4.0)
    assert (stand.transport.music.bpm, stand.transport.source) == (133.0, "hands")


def test_a_patch_or_the_command_line_may_say_how_fast_a_show_rests_and_what_is_heard_goes_before():
    stand = Stand(lambda t: heard(90.0)(t) if t > 4.0 else {})
    stand.tree.set_base("/tempo/bpm", 100.0)
    stand.run(4.0)
    assert (stand.transport.music.bpm, stand.transport.source) == (100.0, "rest")
    assert stand.sounds[-1] == pytest.approx(4.0 * 100 / 60, abs=0.01)
    stand.run(6.0)
    assert (stand.transport.music.bpm, stand.transport.source) == (90.0, "analysis")


# --- a show that comes back ----------------------------------------------------------------------------------------------


def came_back(old: Stand, away_s: float, values: Values) -> Stand:
    """Another stand that goes on with what is kept of one that fell: bases, and the meter's state, written as JSON."""
    new = Stand(values)
    for address, leaf in old.tree.leaves().items():
        if leaf.param.kind != "trigger":
            new.tree.set_base(address, leaf.base)
    assert new.transport.restore(json.loads(json.dumps(old.transport.state()))) == []
    new.tick = old.tick + round(away_s / HOP_S)
    return new


@pytest.mark.parametrize("kept_by", ["analysis", "clock", "hands"])
def test_a_show_that_comes_back_has_its_bars_where_hands_put_them(kept_by):
    stand = Stand(heard(120.0) if kept_by == "analysis" else nothing)
    if kept_by == "clock":
        Sender(stand, 120.0, 0.0, math.inf)
    elif kept_by == "hands":
        stand.press(1.0, "bpm", 120.0)
    stand.press(6.5, "resync")
    stand.run(10.0)
    # Who listens anew counts other bars: the clock from the first pulse that it gets, the analysis by its own guess.
    new = came_back(stand, 2.4, heard(120.0, 1.0) if kept_by == "analysis" else nothing)
    if kept_by == "clock":
        Sender(new, 120.0, 12.5, math.inf)
    new.run(30.0)
    assert new.transport.source == kept_by
    assert on_grid([t for t in new.firsts if t > 14.0], 6.5, 2.0, 2.1 * HOP_S)
    assert new.never_went_back()


def test_a_show_that_comes_back_follows_at_half_and_nudged_as_it_did():
    stand = Stand(heard(120.0))
    stand.press(5.0, "half")
    stand.press(6.0, "nudge", 0.25)
    stand.run(10.0)
    new = came_back(stand, 1.0, heard(120.0))
    new.run(30.0)
    assert new.transport.music.bpm == 60.0
    assert on_grid([t for t, _ in new.hits if t > 14.0], stand.hits[-1][0], 1.0)
    assert new.never_went_back()


def test_a_show_that_comes_back_much_later_or_on_another_machine_begins_its_bars_anew():
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(6.5, "resync")
    stand.run(10.0)
    for away_s in (3600.0, -8.0):
        new = came_back(stand, away_s, nothing)
        first_s = new.tick * HOP_S
        new.run(first_s + 12.0)
        assert on_grid([t - first_s for t in new.firsts], 2.0, 2.0, 2 * HOP_S)


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "beat",
        {"factors": 3, "nudges": None},
        {"factors": {"clock": 99.0, "analysis": True}, "nudges": {"clock": math.nan, "analysis": "1"}},
        {"factors": {"clock": None}, "place": 9.0, "t_heard": 1.0, "resynced": 5},
        {"place": 1.0, "t_heard": math.inf, "resynced": {"clock": 1}},
    ],
)
def test_what_is_no_state_of_a_meter_is_refused_and_changes_nothing(state):
    stand, fresh = Stand(heard(120.0)), Stand(heard(120.0))
    refused = stand.transport.restore(state)
    assert refused
    assert all("expected" in message and "; got " in message and "; kept " in message for message in refused)
    for one in (stand, fresh):
        one.run(8.0)
    assert (stand.sounds, stand.bars) == (fresh.sounds, fresh.bars)


# --- a MIDI clock ------------------------------------------------------------------------------------------------------


class Sender:
    """Plays a MIDI clock into a real `MidiClock`, which a stand asks as the show does."""

    def __init__(self, stand: Stand, bpm: float, from_s: float, to_s: float) -> None:
        self.clock, self._stand, self._bpm = MidiClock(), stand, bpm
        self._next_s, self._to_s = from_s, to_s
        self.messages: list[tuple[float, str, int]] = []
        stand.clock = self

    def __call__(self):
        now = (self._stand.tick + 1) * HOP_S
        while True:
            at_s, kind, position = min([*self.messages, (self._next_s, "clock", 0)])
            if at_s > now:
                return self.clock.state
            if kind == "clock":
                self._next_s += 60.0 / 24.0 / self._bpm if at_s < self._to_s else math.inf
            else:
                self.messages.remove((at_s, kind, position))
            self.clock.take(kind, at_s, position)


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


# --- ahead of the beat ---------------------------------------------------------------------------------------------------


def leads(stand: Stand, from_s: float, period_s: float, first_s: float) -> list[float]:
    """By how much each beat of the picture came before the sound's."""
    hits = [t for t, _ in stand.hits if t > from_s]
    assert len(hits) > 5
    return [(first_s - t + 0.5 * period_s) % period_s - 0.5 * period_s for t in hits]


@pytest.mark.parametrize("latency_s", [0.0, 0.03, 0.085, 0.2])
@pytest.mark.parametrize("kept_by", ["analysis", "clock", "hands"])
def test_on_a_steady_beat_the_picture_leaves_by_its_latency_before_the_sound(latency_s, kept_by):
    stand = Stand(heard(125.0) if kept_by == "analysis" else nothing)
    if kept_by == "clock":
        Sender(stand, 125.0, 0.0, math.inf)
    elif kept_by == "hands":
        for n in range(4):
            stand.press(0.48 * (n + 1), "tap")
    stand.latency_s = latency_s
    stand.run(16.0)
    assert stand.transport.source == kept_by
    assert leads(stand, 6.0, 0.48, 0.0) == pytest.approx([latency_s] * len(leads(stand, 6.0, 0.48, 0.0)), abs=1.2 * HOP_S)
    assert stand.transport.music.ahead_s == pytest.approx(latency_s, abs=1e-6)
    assert stand.never_went_back()


def test_offset_ms_is_added_and_may_put_the_picture_after_the_sound():
    stand = Stand(heard(120.0))
    stand.latency_s = 0.05
    for offset_ms in (60.0, -120.0, 0.0):
        stand.tree.set_base("/sync/offset_ms", offset_ms)
        start_s = stand.tick * HOP_S
        stand.run(start_s + 8.0)
        assert leads(stand, start_s + 4.0, 0.5, 0.0) == pytest.approx([0.05 + offset_ms / 1e3] * 8, abs=1.2 * HOP_S)
        assert on_grid(stand.beats_between(start_s + 2.0, start_s + 8.0), 0.0, 0.5)  # the sound's stay
    assert stand.never_went_back()


def test_a_beat_that_is_not_steady_is_not_foretold_and_is_no_event():
    stand = Stand(lambda t: heard(120.0, confidence=0.3 if t < 6.0 else 0.8 if t < 12.0 else 0.1)(t))
    stand.latency_s = 0.1
    stand.run(5.9)
    assert stand.transport.music.ahead_s == 0.0
    assert not stand.hits
    stand.run(11.9)
    assert stand.transport.music.ahead_s == pytest.approx(0.1)
    assert len(stand.hits) >= 11
    count = len(stand.hits)
    stand.run(18.0)
    assert stand.transport.music.ahead_s == pytest.approx(0.0, abs=1e-6)
    assert len(stand.hits) <= count + 1
    assert stand.never_went_back()


def test_while_calibrating_even_a_show_at_rest_leads():
    stand = Stand()
    stand.latency_s = 0.08
    stand.tree.set_base("/sync/calibrate", True)
    stand.run(3.0)
    assert stand.transport.music.ahead_s == pytest.approx(0.08)


def test_a_latency_that_is_measured_anew_every_frame_makes_no_beat_late_or_double():
    stand = Stand(heard(120.0))
    for second in range(1, 30):
        stand.latency_s = 0.03 + 0.05 * (second % 3)
        stand.run(float(second))
    numbers = [number for _, number in stand.hits]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert stand.never_went_back()


# --- in a patch --------------------------------------------------------------------------------------------------------

PATCH = """
schema = 1
title = "Tied"
doc = "Tied to the beat."
[classes]
palette = { sea = 1.0 }
[route]
beat = { from = "event/beat", to = "/shader/flash/amount", amount = 1.0 }
bar = { from = "event/bar", to = "/shader/bloom/amount", amount = 0.5 }
phase = { from = "beat_phase", to = "/shader/zoom/angle", amount = 0.4 }
sure = { from = "tempo_confidence", to = "/shader/glitch/amount", amount = 0.5 }
[macro]
""" + "".join(f'{name} = {{ "/shader/grade/hue" = 0.1 }}\n' for name in MACROS)


@pytest.fixture
def play(tmp_path):
    """A performer of a patch whose picture is tied to the beat, and what plays it."""
    from song import tree

    path = tmp_path / "tied.toml"
    path.write_text(PATCH)
    within = tree()
    transport = Transport(HOP_S, within)
    player = PatchPlayer(load_patch(path), within, INFO, 1, RATE_HZ, round(RATE_HZ * HOP_S), transport=transport)

    def play(values: Values, until_s: float, from_s: float = 0.0) -> list[Tick]:
        ticks = range(round(from_s / HOP_S), round(until_s / HOP_S))
        return [step(player, frame(n, values((n + 1) * HOP_S)), play.latency_s) for n in ticks]

    play.transport, play.tree, play.player, play.latency_s = transport, within, player, 0.0
    return play


def lit(ticks: list[Tick], address: str) -> list[float]:
    """When a parameter that rests at 0 was hit."""
    return [b.time_s for a, b in pairwise(ticks) if b.params[address] > 0.4 >= a.params[address]]


def test_beats_of_hands_drive_a_patch_where_nothing_is_heard(play):
    play.tree.post("/tempo/bpm", 150.0)
    ticks = play(nothing, 10.0)
    hits, bars = lit(ticks, "/shader/flash/amount"), lit(ticks, "/shader/bloom/amount")
    assert [b - a for a, b in pairwise(hits)] == pytest.approx([0.4] * (len(hits) - 1), abs=1.1 * HOP_S)
    assert [b - a for a, b in pairwise(bars)] == pytest.approx([1.6] * (len(bars) - 1), abs=1.1 * HOP_S)
    assert set(bars) <= set(hits)
    assert len(bars) == 6
    assert ticks[-1].params["/shader/glitch/amount"] == pytest.approx(0.5)
    phases = [tick.params["/shader/zoom/angle"] for tick in ticks[20:]]
    assert max(phases) - min(phases) > 0.35
    assert ticks[-1].music.source == "hands"


def test_a_patch_at_rest_has_no_beats(play):
    ticks = play(nothing, 6.0)
    assert not lit(ticks, "/shader/flash/amount")
    assert not lit(ticks, "/shader/bloom/amount")


def test_beats_that_are_heard_drive_a_patch_and_come_earlier_by_the_latency(play):
    values = heard(120.0)
    late = lit(play(values, 8.0), "/shader/flash/amount")[-8:]
    play.latency_s = 0.06
    early = lit(play(values, 16.0, 8.0), "/shader/flash/amount")[-8:]
    assert [t % 0.5 for t in late] == pytest.approx([0.0] * 8, abs=1.2 * HOP_S)
    assert [t % 0.5 for t in early] == pytest.approx([0.44] * 8, abs=1.2 * HOP_S)


def test_a_drop_that_is_heard_moves_the_bar_only_where_what_is_heard_keeps_the_beat(play):
    values = heard(120.0)
    play(values, 8.6)
    step(play.player, frame(round(8.6 / HOP_S), values(8.6), (Event("drop", 8.5, 1.0),)))
    bars = lit(play(values, 20.0, 8.6), "/shader/bloom/amount")
    assert [t % 2.0 for t in bars[-3:]] == pytest.approx([0.5] * 3, abs=1.2 * HOP_S)
    play.tree.post("/tempo/hold", True)
    play(values, 20.1, 20.0)
    step(play.player, frame(round(20.1 / HOP_S), values(20.1), (Event("drop", 20.0, 1.0),)))
    bars = lit(play(values, 32.0, 20.1), "/shader/bloom/amount")
    assert [t % 2.0 for t in bars[-3:]] == pytest.approx([0.5] * 3, abs=1.2 * HOP_S)


def test_panic_gives_the_tempo_back():
    from engine.instrument.instrument import RATE_HZ as ANALYSED_HZ
    from engine.instrument.instrument import Instrument, find_patch

    instrument = Instrument(find_patch("first-light"), INFO)
    assert ANALYSED_HZ == RATE_HZ
    instrument.tree.post("/tempo/bpm", 150.0)
    instrument.tree.post("/sync/offset_ms", 40.0)
    instrument.tree.post("/sync/calibrate", True)
    assert step(instrument.player, frame(0)).music.source == "hands"
    instrument.tree.post("/panic", 1)
    tick = step(instrument.player, frame(1))
    assert (tick.music.source, tick.music.bpm) == ("rest", 120.0)
    assert instrument.tree.leaf("/sync/calibrate").base is False
    assert instrument.tree.leaf("/sync/offset_ms").base == 40.0  # of the projector, not of the patch


def test_panic_takes_back_half_nudge_and_resync_of_what_is_heard():
    from engine.instrument.instrument import Instrument, find_patch

    instrument, values, hops = Instrument(find_patch("first-light"), INFO), heard(120.0), itertools.count()

    def play(seconds: float) -> list[Tick]:
        return [
            step(instrument.player, frame(n, values((n + 1) * HOP_S))) for n in itertools.islice(hops, round(seconds / HOP_S))
        ]

    play(6.0)
    for name, value in (("half", 1), ("nudge", 0.25), ("resync", 1)):
        instrument.tree.post(f"/tempo/{name}", value)
    assert play(6.0)[-1].music.bpm == 60.0
    assert any(instrument.transport.state()["nudges"].values())
    assert instrument.transport.state()["resynced"] == ["analysis"]
    instrument.tree.post("/panic", 1)
    ticks = play(12.0)
    assert ticks[-1].music.bpm == instrument.tree.leaf("/tempo/bpm").base == 120.0
    off = (ticks[-1].music.beats - ticks[-1].time_s * 2.0 + 0.5) % 1.0 - 0.5
    assert abs(off) < 0.01
    told = instrument.transport.state()
    assert (told["factors"], told["nudges"], told["resynced"]) == (*({"clock": x, "analysis": x} for x in (1.0, 0.0)), [])


def test_musical_time_goes_on_through_a_change_of_model():
    from engine.instrument.instrument import Instrument, find_patch

    instrument = Instrument(find_patch("first-light"), INFO)
    for n in range(1000):
        before = step(instrument.player, frame(n)).music
    instrument.change_model(INFO)
    after = step(instrument.player, frame(1000)).music
    assert after.beats == pytest.approx(before.beats + 2.0 * HOP_S)


def test_before_real_kicks_the_picture_leaves_by_its_latency():
    """Kicks through the analysis, as in a show: the picture's beats against the beats that the analysis hears."""
    bpm, latency_s, hop = 126.0, 0.07, round(RATE_HZ * HOP_S)
    sound = np.zeros(18 * RATE_HZ, np.float32)
    drum = kick()
    for n in range(int(18.0 * bpm / 60.0) - 1):
        at = round(n * 60.0 / bpm * RATE_HZ)
        sound[at : at + len(drum)] += drum
    analysis, transport = Analysis(RATE_HZ, hop), Transport(HOP_S)
    beats, hits = [], []
    for n, part in enumerate(sound.reshape(-1, hop)):
        features = analysis.step({"main": part}, (n + 1) * HOP_S)
        context = transport.step(features, (), latency_s)
        beats += [event.time_s for event in features.events if event.kind == "beat" and features.time_s > 10.0]
        if context.beat_now and context.steady and 10.0 < features.time_s < 17.5:
            hits.append(features.time_s)
    ahead = [min((beat - hit for beat in beats if beat > hit), default=0.0) for hit in hits]
    print(f"ahead of the heard beat by {1e3 * min(ahead):.1f} to {1e3 * max(ahead):.1f} ms, asked {1e3 * latency_s:.0f}")
    assert len(hits) > 12
    assert ahead == pytest.approx([latency_s] * len(ahead), abs=1.2 * HOP_S)
    period_s = 60.0 / bpm
    off = [(hit + latency_s + 0.5 * period_s) % period_s - 0.5 * period_s for hit in hits]
    assert max(map(abs, off)) < 0.025  # of the kick that is played
