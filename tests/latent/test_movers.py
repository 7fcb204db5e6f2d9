import math

import numpy as np
import pytest
from song import HOP_S, frame

from engine.core.registry import lookup, names
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.latent.mover import Mover
from engine.latent.noise_field import NoiseField

SIZE = 32
BAR_S = 2.0


def make(kind: str, seed: int = 1, **settings) -> Mover:
    mover = lookup("mover", kind)(SIZE, Rng(seed, kind))
    for name, value in settings.items():
        mover.leaves[name].set_base(value)
    return mover


def run(mover: Mover, seconds: float, dt_s: float = HOP_S, start: np.ndarray | None = None, pushes=()) -> np.ndarray:
    """z (T, SIZE) at 120 BPM; `pushes` are values of the parameter push, by tick."""
    out = np.zeros((round(seconds / dt_s), SIZE), np.float32) if start is None else np.tile(start, (round(seconds / dt_s), 1))
    for tick, z in enumerate(out):
        bars = tick * dt_s / BAR_S
        if tick < len(pushes):
            mover.leaves["push"].set_base(pushes[tick])
        mover.step(z, TickContext(frame(tick, {"level": 0.8, "gradient": 0.5}), tick, tick * dt_s, dt_s, 4 * bars, bars))
    return out


def test_keyframes_return_to_the_first_after_the_loop():
    zs = run(make("keyframes", count=4, bars=2.0), 17.0)
    lap = round(4 * 2 * BAR_S / HOP_S)
    assert np.abs(zs[lap] - zs[0]).max() < 1e-4
    assert np.abs(zs[lap // 2] - zs[0]).max() > 0.5


def test_keyframes_are_met_on_their_bars_and_the_way_is_smooth():
    rng = Rng(1, "keyframes")
    zs = run(make("keyframes", count=8, bars=4.0), 40.0)
    for step in range(5):
        assert zs[round(step * 4 * BAR_S / HOP_S)] == pytest.approx(rng.normals(step, SIZE), abs=1e-3)
    moves = np.linalg.norm(np.diff(zs, axis=0), axis=1)
    assert moves.max() < 4 * np.median(moves)
    lengths = np.linalg.norm(zs, axis=1) / math.sqrt(SIZE)
    assert 0.6 < lengths.min() < lengths.max() < 1.5  # a slerp does not sag towards the mean


def test_full_ease_rests_on_the_keyframes():
    moves = np.linalg.norm(np.diff(run(make("keyframes", bars=2.0, ease=1.0), 8.0), axis=0), axis=1)
    assert moves[round(2 * BAR_S / HOP_S)] < 0.05 * moves.max()


def test_walk_keeps_the_spread_is_smooth_and_goes_as_fast_at_any_hop():
    start = Rng(9, "start").normals(0, SIZE)
    zs = run(make("walk", amount=0.6, speed=1.0), 60.0, start=start)
    assert np.std(zs) == pytest.approx(np.std(start), rel=0.3)
    moves = np.linalg.norm(np.diff(zs, axis=0), axis=1)
    assert moves.max() < 5 * np.median(moves)
    coarse = run(make("walk", amount=0.6, speed=1.0), 60.0, 4 * HOP_S, start=start)
    assert np.abs(coarse[100] - zs[403]).max() < 1e-3  # both after 404 fine hops


def test_walk_jitter_trembles_around_the_same_path():
    start = np.zeros(SIZE, np.float32)
    calm, restless = (np.array(run(make("walk", amount=0.5, jitter=jitter), 20.0, start=start)) for jitter in (0.0, 1.0))
    unrest = restless - calm
    assert 0.2 < unrest.std() < 0.8
    assert np.abs(unrest.mean(axis=0)).max() < 0.3
    assert np.abs(np.diff(restless, axis=0)).mean() > 5 * np.abs(np.diff(calm, axis=0)).mean()


def test_walk_amount_ends():
    start = Rng(9, "start").normals(0, SIZE)
    assert np.array_equal(run(make("walk", amount=0.0), 1.0, start=start)[-1], start)
    assert abs(float(np.corrcoef(run(make("walk", amount=1.0), 1.0, start=start)[-1], start)[0, 1])) < 0.6


def test_pulse_pushes_at_once_comes_back_and_takes_another_way_each_time():
    decay = [math.exp(-n * HOP_S / 0.18) for n in range(94)]
    zs = run(make("pulse"), 3 * 94 * HOP_S, pushes=decay * 3)
    for hit in range(3):
        at = zs[hit * 94 : (hit + 1) * 94]
        lengths = np.linalg.norm(at, axis=1)
        assert lengths.argmax() == 0
        assert lengths[round(0.18 / HOP_S)] == pytest.approx(lengths[0] * math.exp(-1), rel=0.02)
    ways = zs[[0, 94, 188]] / np.linalg.norm(zs[[0, 94, 188]], axis=1, keepdims=True)
    assert np.abs(ways @ ways.T - np.eye(3)).max() < 0.6


@pytest.mark.parametrize("kind", names("mover"))
def test_movers_are_seeded(kind):
    pushes = [0.5] if "push" in make(kind).leaves else ()
    one, again, other = (run(make(kind, seed), 1.0, pushes=pushes) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kind", names("mover"))
def test_every_parameter_at_and_beyond_its_ends_gives_a_finite_latent(kind):
    for name, leaf in make(kind).leaves.items():
        param = leaf.param
        for end in (param.low - 1e6, param.low, param.high, param.high + 1e6):
            mover = make(kind, **{name: end})
            assert param.low <= mover.leaves[name].value <= param.high
            zs = run(mover, 4.0)
            assert np.isfinite(zs).all()
            assert np.abs(zs).max() < 20


def test_noise_field_is_smooth_normal_and_the_same_from_anywhere():
    field = NoiseField(Rng(1, "noise"), 200)
    there = field.at(7.3)
    knots = np.stack([field.at(float(n)) for n in range(-20, 20)])
    assert knots.mean() == pytest.approx(0, abs=0.05)
    assert knots.std() == pytest.approx(1, rel=0.05)
    assert np.array_equal(NoiseField(Rng(1, "noise"), 200).at(7.3), there)
    assert np.abs(field.at(3.0001) - field.at(2.9999)).max() < 0.01
