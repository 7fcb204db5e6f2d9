import itertools

import pytest
from song import HOP_S, frame

from engine.control.meter import Meter
from engine.control.tempo import RESTING_BPM
from engine.types import Event


def run(values, hops: int, start: int = 0, meter: Meter | None = None):
    """The meter and (bars, beat_now, bar_now) of every hop; `values` is a function of time."""
    meter = meter or Meter(HOP_S)
    out = []
    for tick in range(start, start + hops):
        moment = meter.step(frame(tick, values((tick + 1) * HOP_S)))
        out.append((moment.bars, moment.beat_now, moment.bar_now))
    return meter, out


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
    meter, first = run(heard(120.0), 1000)
    _, second = run(heard(120.0, -0.45), 1000, 1000, meter)
    bars = [b for b, _, _ in first + second]
    assert min(b - a for a, b in itertools.pairwise(bars)) >= 0.0
    assert sum(bar for _, _, bar in first + second) == int(bars[-1])


def test_bars_begin_where_the_drop_says_and_beats_stay_beats():
    meter, _ = run(heard(120.0, 0.5), 2000)
    drop_s = 2000 * HOP_S  # the analysis has its bars half a bar off, and reports the drop a little late
    late = frame(2000, heard(120.0, 0.5)(2001 * HOP_S), (Event("drop", drop_s - drop_s % 2.0 + 0.03, 1.0),))
    meter.step(late)
    _, after = run(heard(120.0, 0.5), 2000, 2001, meter)
    off = (after[-1][0] - 4001 * HOP_S / 2.0) % 1.0
    assert min(off, 1.0 - off) < 0.005


def test_it_goes_on_at_the_last_tempo_when_the_beat_is_lost():
    meter, out = run(heard(150.0), 2000)
    _, after = run(lambda t: {"tempo_bpm": 80.0, "tempo_confidence": 0.05, "bar_phase": 0.0}, 2000, 2000, meter)
    assert (after[-1][0] - out[-1][0]) == pytest.approx(2000 * HOP_S * 150 / 240, rel=1e-3)


def test_skipped_hops_pass_as_time_but_a_long_gap_does_not_burst():
    meter = Meter(HOP_S)
    meter.step(frame(0))
    assert meter.step(frame(10)).dt_s == pytest.approx(10 * HOP_S)
    assert meter.step(frame(100000)).dt_s <= 1.0
