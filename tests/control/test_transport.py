import itertools
import random
import time

import numpy as np
import pytest
from song import HOP_S, frame, song

from engine.control.tempo import RESTING_BPM, SOURCES
from engine.control.transport import Transport
from engine.control.tree import ParamTree
from engine.core.types import Change, Event


def run(values, hops: int, start: int = 0, transport: Transport | None = None):
    """The meter and (bars, beat_now, bar_now) of every hop; `values` is a function of time."""
    transport = transport or Transport(HOP_S)
    out = []
    for tick in range(start, start + hops):
        context = transport.step(frame(tick, values((tick + 1) * HOP_S)))
        out.append((context.bars, context.beat_now, context.bar_now))
    return transport, out


def heard(bpm: float, offset: float = 0.0, confidence: float = 0.9):
    return lambda t: {"tempo_bpm": bpm, "tempo_confidence": confidence, "bar_phase": (t * bpm / 240 + offset) % 1.0}


def test_without_a_beat_time_passes_at_the_resting_pace():
    _, out = run(lambda t: {}, 3760)
    assert out[-1][0] == pytest.approx(3760 * HOP_S * RESTING_BPM / 240, rel=1e-6)
    assert sum(bar for _, _, bar in out) == 10
    assert sum(beat for _, beat, _ in out) == 40


def test_a_heard_beat_is_followed_in_tempo_and_phase():
    _, out = run(heard(97.0, 0.4), 5625)
    phase = (5625 * HOP_S * 97.0 / 240 + 0.4) % 1.0
    assert abs((out[-1][0] - phase + 0.5) % 1.0 - 0.5) < 0.005
    bars = [n for n, (_, _, bar) in enumerate(out) if bar][2:]
    assert [b - a for a, b in itertools.pairwise(bars)] == pytest.approx([240 / 97 / HOP_S] * (len(bars) - 1), abs=1.5)


def test_musical_time_never_runs_backwards_and_no_bar_is_lost_when_the_phase_jumps():
    transport, first = run(heard(120.0), 1000)
    _, second = run(heard(120.0, -0.45), 1000, 1000, transport)
    bars = [b for b, _, _ in first + second]
    assert min(b - a for a, b in itertools.pairwise(bars)) >= 0.0
    assert sum(bar for _, _, bar in first + second) == int(bars[-1])


def test_bars_begin_where_the_drop_says_and_beats_stay_beats():
    transport, _ = run(heard(120.0, 0.5), 2000)
    drop_s = 2000 * HOP_S  # the analysis has its bars half a bar off, and reports the drop a little late
    late = frame(2000, heard(120.0, 0.5)(2001 * HOP_S), (Event("drop", drop_s - drop_s % 2.0 + 0.03, 1.0),))
    transport.step(late)
    _, after = run(heard(120.0, 0.5), 2000, 2001, transport)
    off = (after[-1][0] - 4001 * HOP_S / 2.0) % 1.0
    assert min(off, 1.0 - off) < 0.005


def test_it_goes_on_at_the_last_tempo_when_the_beat_is_lost():
    transport, out = run(heard(150.0), 2000)
    _, after = run(lambda t: {"tempo_bpm": 80.0, "tempo_confidence": 0.05, "bar_phase": 0.0}, 2000, 2000, transport)
    assert (after[-1][0] - out[-1][0]) == pytest.approx(2000 * HOP_S * 150 / 240, rel=1e-3)


def test_skipped_hops_pass_as_time_but_a_long_gap_does_not_burst():
    transport = Transport(HOP_S)
    transport.step(frame(0))
    assert transport.step(frame(10)).dt_s == pytest.approx(10 * HOP_S)
    assert transport.step(frame(100000)).dt_s <= 1.0


def wild(seed: int, seconds: float) -> list[tuple[float, ...]]:
    """A performer who tries everything, over sound that comes and goes: all that the clock says, hop by hop."""
    latency_s, rng, transport = 0.0, random.Random(seed), Transport(HOP_S, tree := ParamTree())
    values, out = {}, []
    for n in range(round(seconds / HOP_S)):
        t = (n + 1) * HOP_S
        if rng.random() < 0.002:
            values = heard(rng.uniform(60.0, 200.0), rng.random(), rng.random())
        changes = tree.apply(tree.take())[0]
        if rng.random() < 0.01:
            name = rng.choice(("tap", "resync", "half", "double", "nudge", "bpm", "hold", "release", "source"))
            value = {"nudge": rng.uniform(-1, 1), "bpm": rng.uniform(0, 500), "hold": rng.random() < 0.5}.get(name, 1)
            address = f"/tempo/{name}"
            tree.set_base(address, rng.choice(SOURCES) if name == "source" else value)
            changes = (Change(address, tree.leaf(address).base, t - rng.random() * 0.05),)
        if rng.random() < 0.01:
            latency_s = rng.uniform(0.0, 0.3)
            tree.set_base("/sync/offset_ms", rng.uniform(-500.0, 500.0))
        context = transport.step(frame(n, values(t) if values else {}), changes, latency_s)
        music = transport.music
        assert tree.leaf("/tempo/bpm").base == pytest.approx(music.bpm, abs=0.02)
        out.append((context.beats, context.bars, music.beats, float(context.phrases), music.bpm, music.ahead_s))
    return out


def test_whatever_hands_do_time_goes_on_and_never_back_and_the_same_again_gives_the_same():
    for seed in range(4):
        out = wild(seed, 60.0)
        for one, other in itertools.pairwise(out):
            assert all(b >= a for a, b in zip(one[:4], other[:4], strict=True))
            assert other[0] - one[0] < 0.3  # of a beat a hop: a hurry, no jump
        assert all(20.0 <= bpm <= 400.0 and abs(ahead_s) < 30.0 for *_, bpm, ahead_s in out)
        assert out[-1][2] > 20.0
    assert wild(0, 5.0) == wild(0, 5.0)


def test_a_phrase_is_eight_bars_and_begins_anew_where_a_hand_says():
    transport = Transport(HOP_S)
    bars = [transport.step(frame(n)).phrases for n in range(round(36.0 / HOP_S))]
    assert [n for n in range(1, len(bars)) if bars[n] > bars[n - 1]] == pytest.approx([16 / HOP_S, 32 / HOP_S], abs=1)
    pressed = len(bars)  # in the second bar of a phrase
    change = Change("/tempo/resync", 1, (pressed + 1) * HOP_S)
    later = [transport.step(frame(pressed, {}), (change,)).phrases]
    later += [transport.step(frame(pressed + n)).phrases for n in range(1, round(20.0 / HOP_S))]
    assert later[round(0.5 / HOP_S)] == bars[-1] + 1
    assert [n for n in range(200, len(later)) if later[n] > later[n - 1]] == pytest.approx([16.0 / HOP_S], abs=2)


def test_a_step_costs_little():
    transport, took = Transport(HOP_S, ParamTree()), []
    for features in song(20.0):
        started = time.perf_counter()
        transport.step(features, (), 0.05)
        took.append(time.perf_counter() - started)
    print(f"{1e6 * float(np.median(took)):.1f} us a step")
    assert float(np.median(took)) < 150e-6  # ten times the goal
