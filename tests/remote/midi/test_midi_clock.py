import random

import pytest

from engine.remote.midi.midi_clock import PULSES, MidiClock


def play(clock: MidiClock, bpm: float, beats: float, since: float = 0.0, jitter_s: float = 0.0, seed: int = 1) -> float:
    """Send evenly timed pulses, each late by up to `jitter_s`; returns when the next one is due."""
    draw, period = random.Random(seed), 60.0 / bpm / PULSES
    count = round(beats * PULSES)
    for index in range(count):
        clock.take("clock", since + index * period + draw.random() * jitter_s)
    return since + count * period


@pytest.mark.parametrize("bpm", [30.0, 60.0, 120.0, 174.0, 300.0])
def test_two_beats_give_the_tempo(bpm):
    clock = MidiClock()
    play(clock, bpm, 2.0)
    assert clock.state is not None
    assert clock.state.bpm == pytest.approx(bpm, rel=1e-6)
    assert clock.state.sure == pytest.approx(1.0, abs=1e-3)


def test_pulses_that_come_up_to_5_ms_late_move_the_tempo_by_less_than_2_percent():
    clock = MidiClock()
    at, tempi = 100.0, []
    for beat in range(40):
        at = play(clock, 126.0, 1.0, at, 0.005, seed=beat)
        tempi.append(clock.state.bpm)
    assert max(abs(bpm / 126.0 - 1.0) for bpm in tempi[2:]) < 0.02
    assert 0.3 < clock.state.sure < 1.0


def test_the_first_pulse_after_start_is_beat_0_and_24_make_one():
    clock = MidiClock()
    at = play(clock, 120.0, 2.0)
    clock.take("start", at)
    assert clock.state.beats == 0.0
    at = play(clock, 120.0, 4.0, at)
    state = clock.state
    assert state.running
    assert state.beats + (at - state.t) * state.bpm / 60.0 == pytest.approx(4.0, abs=1e-6)


def test_stop_holds_the_position_continue_goes_on_and_song_position_jumps():
    clock = MidiClock()
    clock.take("start", 0.0)
    at = play(clock, 120.0, 3.0)
    clock.take("stop", at)
    assert not clock.running
    stopped = clock.state.beats
    at = play(clock, 120.0, 1.0, at)  # a stopped sender still tells its tempo
    assert clock.state.beats == stopped
    assert clock.state.bpm == pytest.approx(120.0)
    clock.take("continue", at)
    at = play(clock, 120.0, 1.0, at)
    assert clock.state.beats == pytest.approx(stopped + 1.0)
    clock.take("stop", at)
    clock.take("songpos", at, 64)  # sixteenths
    clock.take("continue", at)
    play(clock, 120.0, 1 / PULSES, at)
    assert clock.state.beats == pytest.approx(16.0)


def test_a_sender_that_was_playing_before_we_came_plays():
    clock = MidiClock()
    play(clock, 120.0, 2.0)
    assert clock.running


def test_a_new_tempo_is_followed_within_a_beat():
    clock = MidiClock()
    at = play(clock, 120.0, 8.0)
    play(clock, 150.0, 1.0, at)
    assert clock.state.bpm == pytest.approx(150.0, rel=0.01)


def test_one_pulse_that_is_40_ms_late_moves_the_tempo_by_less_than_5_percent():
    clock = MidiClock()
    at = play(clock, 120.0, 4.0)
    clock.take("clock", at + 0.040)
    assert clock.state.bpm == pytest.approx(120.0, rel=0.05)


def test_a_sender_that_falls_silent_is_forgotten():
    clock = MidiClock()
    at = play(clock, 120.0, 4.0)
    clock.expire(at + 0.5)
    assert clock.state is not None
    clock.expire(at + 1.5)
    assert clock.state is None
    play(clock, 90.0, 2.0, at + 60.0)
    assert clock.state.bpm == pytest.approx(90.0)


@pytest.mark.parametrize("silence_s", [0.3, 0.9, 1.5, 300.0])
def test_a_host_whose_clock_rests_while_it_is_stopped_continues_where_it_was_put(silence_s):
    clock = MidiClock()
    clock.take("start", 0.0)
    at = play(clock, 120.0, 8.0)
    clock.take("stop", at)
    clock.take("songpos", at, 37 * 4)
    for hop in range(int(min(silence_s, 2.0) / 0.005)):
        clock.expire(at + hop * 0.005)
    at += silence_s
    clock.expire(at)
    clock.take("continue", at)
    assert not clock.running or clock.state.beats == 37.0
    at = play(clock, 120.0, 3 / PULSES, at)
    assert clock.running
    assert clock.state.beats == pytest.approx(37.0 + 2 / PULSES)
    assert clock.state.bpm == pytest.approx(120.0)
    play(clock, 120.0, 1.0, at)
    assert clock.state.beats == pytest.approx(38.0 + 2 / PULSES)


def test_and_where_it_stopped_if_it_was_put_nowhere():
    clock = MidiClock()
    clock.take("start", 0.0)
    at = play(clock, 120.0, 8.0)
    clock.take("stop", at)
    clock.expire(at + 5.0)
    assert clock.state is None
    clock.take("continue", at + 6.0)
    play(clock, 120.0, 1.0, at + 6.0)
    assert clock.state.beats == pytest.approx(9.0 - 1 / PULSES)


@pytest.mark.parametrize("kind", ["start", "continue"])
@pytest.mark.parametrize("idle_pulses", [0, 2], ids=["silent until then", "pulses before it"])
def test_a_pause_says_nothing_about_the_tempo_after_it(kind, idle_pulses):
    clock = MidiClock()
    clock.take("start", 0.0)
    at = play(clock, 120.0, 8.0)
    clock.take("stop", at)
    at = play(clock, 120.0, idle_pulses / PULSES, at + 0.8)
    clock.take(kind, at)
    began = 0.0 if kind == "start" else 8.0
    for index in range(PULSES):
        clock.take("clock", at + index * 0.5 / PULSES)
        state, now = clock.state, at + index * 0.5 / PULSES
        assert state.running
        assert state.bpm == pytest.approx(120.0)
        assert state.beats + (now - state.t) * state.bpm / 60.0 == pytest.approx(began + index / PULSES)


def test_a_sender_that_was_told_to_go_on_and_says_nothing_is_forgotten_too():
    clock = MidiClock()
    clock.take("stop", play(clock, 120.0, 4.0))
    clock.take("continue", 2.5)
    assert clock.running
    clock.expire(3.6)
    assert clock.state is None


def test_a_thousand_pulses_a_second_are_no_tempo_and_neither_are_pulses_at_once():
    clock = MidiClock()
    for index in range(5000):
        clock.take("clock", index / 1000.0)
    assert clock.state is None
    for _ in range(100):
        clock.take("clock", 10.0)
    assert clock.state is None
    play(clock, 120.0, 2.0, 20.0)
    assert clock.state.bpm == pytest.approx(120.0)


def test_a_time_that_runs_backwards_begins_again():
    clock = MidiClock()
    play(clock, 120.0, 4.0, 100.0)
    play(clock, 140.0, 2.0, 50.0)
    assert clock.state.bpm == pytest.approx(140.0)


@pytest.mark.parametrize("bpm", [60, 128, 174])
def test_one_lost_pulse_in_a_hundred_pulls_neither_tempo_nor_place(bpm):
    clock, rng = MidiClock(), random.Random(1)
    clock.take("start", 0.0)
    period = 60.0 / (24 * bpm)
    worst_bpm = worst_beat = 0.0
    for pulse in range(2400):
        if pulse > 30 and rng.random() < 0.01:
            continue
        t = pulse * period + rng.uniform(0.0, 0.002)
        clock.take("clock", t)
        if pulse > 48:
            worst_bpm = max(worst_bpm, abs(clock.state.bpm / bpm - 1.0))
            worst_beat = max(worst_beat, abs(clock.state.beats - pulse / 24))
    assert worst_bpm < 0.01
    assert worst_beat < 1e-9


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bpm", [60, 126, 174])
def test_nor_does_it_where_pulses_are_late_by_up_to_5_ms_as_well(bpm, seed):
    clock, draw, period = MidiClock(), random.Random(seed), 60.0 / (24 * bpm)
    clock.take("start", 0.0)
    for pulse in range(2400):
        if pulse < 48 or draw.random() >= 0.01:
            clock.take("clock", pulse * period + draw.random() * 0.005)
            if pulse > 60:
                assert clock.state.bpm == pytest.approx(bpm, rel=0.005)
                assert clock.state.beats == pytest.approx(pulse / 24)


@pytest.mark.parametrize("late_s", [0.005, 0.015, 0.022, 0.030, 0.040, 0.060, 0.080])
def test_pulses_that_were_held_up_and_come_at_once_were_not_lost(late_s):
    clock, period = MidiClock(), 60.0 / (24 * 120)
    clock.take("start", 0.0)
    held_until = 100 * period + late_s
    for pulse in range(200):
        t = pulse * period
        if pulse >= 100 and t < held_until:
            t = held_until + (pulse - 100) * 0.0003
        clock.take("clock", t)
        if pulse > 60:
            assert clock.state.bpm == pytest.approx(120.0, rel=0.05)
            assert abs(clock.state.beats - pulse / 24) <= 4 / 24
    assert clock.state.beats == pytest.approx(199 / 24)
    assert clock.state.bpm == pytest.approx(120.0, rel=0.01)


@pytest.mark.parametrize("ratio", [1.25, 1.5, 1.6, 1.75, 3.0, 0.5, 0.7])
def test_another_tempo_is_followed_within_a_beat_and_counts_what_came(ratio):
    clock, slow = MidiClock(), 60.0 / (24 * 150)
    clock.take("start", 0.0)
    for pulse in range(96):
        clock.take("clock", pulse * slow)
    t = 95 * slow
    for _ in range(24):
        t += slow * ratio
        clock.take("clock", t)
    assert clock.state.bpm == pytest.approx(150 / ratio, rel=0.02)
    assert clock.state.beats == pytest.approx(119 / 24, abs=1.5 / 24)


def test_half_the_tempo_is_no_loss_and_is_followed_within_a_beat():
    clock, t = MidiClock(), 0.0
    for pulse in range(96):
        t = pulse * 60.0 / (24 * 160)
        clock.take("clock", t)
    at = clock.state.beats
    for _ in range(24):
        t += 60.0 / (24 * 80)
        clock.take("clock", t)
    assert clock.state.bpm == pytest.approx(80, rel=0.02)
    assert clock.state.beats - at == pytest.approx(1.0, abs=0.05)
