import math

import numpy as np
import pytest
from song import frame

from engine.control.controller import Controller
from engine.core.registry import lookup, names
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


def make(kind: str, seed: int = 1, **settings) -> Controller:
    part = lookup("controller", kind)(Rng(seed, kind))
    for name, value in settings.items():
        part.leaves[name].set_base(value)
    return part


def run(part: Controller, xs, dt_s: float = 0.01, bpm: float = 120.0) -> np.ndarray:
    """The outputs for a series of inputs, with beats and bars at `bpm`."""
    out = []
    for tick, x in enumerate(xs):
        beats, before = (tick + 1) * dt_s * bpm / 60, tick * dt_s * bpm / 60
        context = TickContext(frame(tick), tick, tick * dt_s, dt_s, beats, beats / 4)
        context.beat_now, context.bar_now = math.floor(beats) > math.floor(before), math.floor(beats / 4) > math.floor(before / 4)
        out.append(part.step(x, context))
    return np.array(out)


@pytest.mark.parametrize("dt_s", [0.0025, 0.005, 0.02])
def test_one_pole_reaches_63_percent_after_its_time_constant_whatever_the_hop(dt_s):
    ys = run(make("one_pole", time_s=0.2), [1.0] * round(0.2 / dt_s), dt_s)
    assert ys[-1] == pytest.approx(1 - math.exp(-1), abs=1e-6)


def test_attack_and_release_have_their_own_times():
    part = make("attack_release", attack_s=0.05, release_s=0.5)
    ys = run(part, [1.0] * 5 + [0.0] * 50)
    assert ys[4] == pytest.approx(1 - math.exp(-1))
    assert ys[-1] == pytest.approx(ys[4] * math.exp(-1))


def test_slew_limits_rise_and_fall():
    ys = run(make("slew", up=2.0, down=4.0), [1.0] * 100 + [0.0] * 100)
    assert np.diff(ys).max() == pytest.approx(0.02)
    assert np.diff(ys).min() == pytest.approx(-0.04)
    assert (ys[99], ys[-1]) == (1.0, 0.0)


def test_envelope_rises_in_one_step_and_falls_to_37_percent():
    ys = run(make("envelope", decay_s=0.18), [0.0, 0.8, *[0.0] * 18])
    assert ys[1] == 0.8
    assert ys[19] == pytest.approx(0.8 * math.exp(-1))


def test_envelope_keeps_the_stronger_of_what_is_left_and_what_comes():
    ys = run(make("envelope", decay_s=1.0), [1.0, 0.2, 0.0])
    assert ys[1] == pytest.approx(math.exp(-0.01))


def test_gate_and_hysteresis():
    xs = [0.1, 0.5, 0.7, 0.5, 0.3, 0.5]
    assert run(make("gate", threshold=0.5), xs).tolist() == [0.0, 0.5, 0.7, 0.5, 0.0, 0.5]
    assert run(make("hysteresis", on=0.6, off=0.4), xs).tolist() == [0, 0, 1, 1, 0, 0]


def test_sample_hold_changes_on_beats_or_bars_only():
    xs = np.linspace(0, 1, 1000)
    for to, seconds in (("beat", 0.5), ("bar", 2.0)):
        ys = run(make("sample_hold", to=to), xs)
        changes = (np.flatnonzero(np.diff(ys)) + 2) * 0.01
        assert np.allclose(changes, np.arange(1, len(changes) + 1) * seconds, atol=0.011)
        assert len(changes) in (round(10 / seconds) - 1, round(10 / seconds))


@pytest.mark.parametrize("shape", ["sine", "triangle", "saw", "square"])
def test_lfo_waves_span_minus_one_to_one_at_their_rate(shape):
    ys = run(make("lfo", shape=shape, rate_hz=1.0), [0.0] * 1000)
    assert ys.min() == pytest.approx(-1, abs=0.03)
    assert ys.max() == pytest.approx(1, abs=0.03)
    spectrum = np.abs(np.fft.rfft(ys - ys.mean()))
    assert spectrum.argmax() == 10  # cycles in ten seconds


def test_lfo_tied_to_beats_follows_the_tempo():
    for bpm in (90.0, 150.0):
        ys = run(make("lfo", clock="beat", cycle=2.0), [0.0] * 1000, bpm=bpm)
        ups = np.count_nonzero((ys[:-1] < 0) & (ys[1:] >= 0))
        assert ups == pytest.approx(10 * bpm / 60 / 2, abs=1)


def test_lfo_random_holds_a_number_each_cycle_and_differs_by_seed():
    first, again, other = (run(make("lfo", seed=s, shape="random", rate_hz=2.0), [0.0] * 1000) for s in (1, 1, 2))
    assert np.count_nonzero(np.diff(first)) in (19, 20)
    assert (first == again).all()
    assert (first != other).any()


def test_lfo_depth_and_input():
    ys = run(make("lfo", depth=0.25, rate_hz=1.0), [0.5] * 200)
    assert ys.min() == pytest.approx(0.25, abs=0.01)
    assert ys.max() == pytest.approx(0.75, abs=0.01)


def test_jitter_stays_in_bounds_is_seeded_and_spreads_alike_at_any_hop():
    for dt_s in (0.005, 0.02):
        walks = np.array([run(make("jitter", seed=seed, rate=0.05), [0.0] * round(2 / dt_s), dt_s) for seed in range(40)])
        assert np.abs(walks).max() <= 1.0
        inside = walks[np.abs(walks[:, 0]) < 0.4]
        assert np.std(inside[:, -1] - inside[:, 0]) == pytest.approx(math.sqrt(0.1), rel=0.4)
    one, again = (run(make("jitter", seed=3), [0.0] * 50) for _ in range(2))
    assert (one == again).all()


@pytest.mark.parametrize("kind", names("controller"))
def test_every_parameter_at_and_beyond_its_ends_gives_finite_outputs(kind):
    for leaf_name, leaf in make(kind).leaves.items():
        param = leaf.param
        ends = param.choices or (param.low - 1e6, param.low, param.high, param.high + 1e6)
        for end in ends:
            part = make(kind)
            part.leaves[leaf_name].set_base(end)
            value = part.leaves[leaf_name].value
            assert value in param.choices if param.choices else param.low <= value <= param.high
            ys = run(part, [0.0, 1.0, 0.3, 0.9] * 25)
            assert np.isfinite(ys).all()
