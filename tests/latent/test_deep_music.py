"""System A, Deep Music Video: the noise vector and the class vector, against the original's offline algorithm."""

import itertools
import math

import numpy as np
import pytest
from song import HOP_S, frame

from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.classes import class_leaves
from engine.latent.mixers.class_integrator import ClassIntegrator
from engine.latent.movers.deep_music import FRAME_S, MAXIMUM_DECAY_S, QUIETEST, DeepMusic

CLICKS = range(43, 430, 43)


def walk(gradient, power, dt_s: float = FRAME_S, size: int = 128, seed: int = 5, **settings) -> np.ndarray:
    """z (T, size) for a gradient and a power (0..1) a step."""
    mover = DeepMusic(size, Rng(seed, "deep"))
    for name, value in settings.items():
        mover.leaves[name].set_base(value)
    mover.seed(Rng(seed, "deep"))
    out = np.zeros((len(gradient), size), np.float32)
    for tick, (g, p) in enumerate(zip(gradient, power, strict=True)):
        level = 1.0 + math.log10(p) / 4.0 if p > 1e-4 else 0.0
        mover.step(out[tick], TickContext(frame(tick, {"gradient": g, "level": level}), tick, tick * dt_s, dt_s))
    return out


def clicks(frames: int = 430) -> np.ndarray:
    gradient = np.zeros(frames)
    gradient[list(CLICKS)] = 1.0
    return gradient


def offline_walk(
    g: np.ndarray, p: np.ndarray, z0: np.ndarray, slow: list[np.ndarray], tau: float, jitter: float, t: float
) -> np.ndarray:
    """The original, frame by frame, from the published description."""
    z, direction = z0.copy(), np.where(z0 < 0, 1.0, -1.0)
    last, out = np.zeros_like(z0), []
    for number in range(len(g)):
        j = np.where(slow[number // 200], 1.0 - jitter, 1.0)
        u = tau * (g[number] + p[number]) * direction * j
        u = (u + 3 * last) / 4
        last = u
        z = z + u
        direction = np.where(z >= 2 * t - tau, -1.0, np.where(z < -2 * t + tau, 1.0, direction))
        out.append(z)
    return np.array(out)


def normalised(x: np.ndarray) -> np.ndarray:
    top, out = QUIETEST, []
    for value in x:
        top = max(value, top * math.exp(-FRAME_S / MAXIMUM_DECAY_S), QUIETEST)
        out.append(value / top)
    return np.array(out)


def test_streaming_is_the_original_given_the_same_normalisers():
    rng = np.random.default_rng(1)
    g, p = rng.random(900) ** 3, 0.2 + 0.6 * rng.random(900)
    ours = walk(g, p, tempo_sensitivity=0.3, jitter=0.4, truncation=0.8)
    rng = Rng(5, "deep")
    slow = [rng.units(1000 + number, 128) < 0.5 for number in range(5)]
    still = walk([0.0], [0.0], tempo_sensitivity=0.3, jitter=0.4, truncation=0.8)[0]  # z0: nothing moves it
    theirs = offline_walk(normalised(g), normalised(p), still.astype(float), slow, 0.3, 0.4, 0.8)
    assert np.abs(ours - theirs).max() < 2e-3
    assert np.abs(theirs[-1] - theirs[0]).max() > 0.5


def test_the_start_is_a_truncated_normal():
    z0 = walk([0.0], [0.0], size=20000, truncation=0.7)[0]
    assert np.abs(z0).max() <= 1.4
    assert np.std(z0) == pytest.approx(0.7 * 0.88, rel=0.05)  # of a normal cut at two


@pytest.mark.parametrize("dt_s", [FRAME_S, HOP_S, 2 * HOP_S])
@pytest.mark.parametrize("tau", [0.05, 0.25, 0.8])
@pytest.mark.parametrize("truncation", [0.1, 1.0])
def test_z_never_leaves_its_bound(dt_s, tau, truncation):
    if 2 * truncation < tau:  # the turning points have crossed: the original has no bound there either
        truncation = tau / 2
    steps = round(30 / dt_s)
    z = walk(np.ones(steps), np.ones(steps), dt_s, jitter=0.3, tempo_sensitivity=tau, truncation=truncation)
    assert np.abs(z).max() <= 2 * truncation + 2.25 * tau + 1e-4


def test_silence_lets_z_settle():
    loud = np.r_[np.ones(200), np.zeros(200)]
    speed = np.abs(np.diff(walk(loud, loud), axis=0)).mean(1)
    assert speed[150:199].mean() > 0.1
    assert speed[260:].max() < 1e-6


def test_clicks_give_peaks_in_the_speed_of_z():
    speed = np.abs(np.diff(walk(clicks(), 0.02 + 0.98 * clicks()), axis=0)).mean(1)
    for click in CLICKS[1:]:  # the first teaches the running maxima
        around = speed[click - 15 : click + 15]
        assert abs(int(around.argmax()) - 14) <= 1
        assert around.max() > 3 * speed[click - 5]


def test_the_walk_goes_as_fast_at_any_hop():
    def path_a_second(dt_s: float) -> float:
        steps = round(20 / dt_s)
        return float(np.abs(np.diff(walk(np.full(steps, 0.3), np.full(steps, 0.5), dt_s), axis=0)).mean() / dt_s)

    assert path_a_second(HOP_S) == pytest.approx(path_a_second(FRAME_S), rel=0.1)


def increases(metric: list[float]) -> bool:
    return all(b > a * 1.02 for a, b in itertools.pairwise(metric))


def test_each_knob_of_the_walk_moves_its_own_metric():
    rng = np.random.default_rng(2)
    g, p = rng.random(1200) ** 3, 0.3 + 0.4 * rng.random(1200)
    speeds = [np.abs(np.diff(walk(g, p, tempo_sensitivity=v), axis=0)).mean() for v in (0.05, 0.1, 0.2, 0.4, 0.8)]
    assert increases(speeds)
    unlike = [np.abs(np.diff(walk(g, p, jitter=v), axis=0))[:190].mean(0).std() for v in (0.05, 0.25, 0.5, 0.75, 1.0)]
    assert increases(unlike)
    reach = [np.abs(walk(g, p, truncation=v)).max() for v in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert increases(reach)


class Organ:
    """A class integrator that hears pure tones."""

    def __init__(self, dt_s: float = FRAME_S, classes: int = 4, **settings) -> None:
        names = [f"c{n}" for n in range(16)]
        self.weights = class_leaves(names)
        self.palette = list(range(2, 2 + classes))
        for index in self.palette:
            self.weights[f"c{index}"].set_base(1.0)
        self.mixer = ClassIntegrator(self.weights, self.palette, Rng(1, "classes"))
        for name, value in settings.items():
            self.mixer.leaves[name].set_base(value)
        self.dt_s, self.tick = dt_s, 0

    def hear(self, chroma: FloatArray) -> np.ndarray:
        """y (C,) after one step."""
        self.tick += 1
        context = TickContext(frame(self.tick, chroma=chroma), self.tick, self.tick * self.dt_s, self.dt_s)
        context.bar_now = (self.tick * self.dt_s) // 2.0 > ((self.tick - 1) * self.dt_s) // 2.0
        return self.mixer.step(context)

    def play(self, pitch: int, seconds: float) -> np.ndarray:
        """y (T, C) during one held note."""
        chroma = np.full(12, 0.02, np.float32)
        chroma[pitch] = 1.0
        return np.array([self.hear(chroma) for _ in range(round(seconds / self.dt_s))])

    def class_of(self, pitch: int) -> int:
        return self.palette[self.mixer.order.index(pitch)]


def time_constant_s(sensitivity: float) -> float:
    period = 300.0 - sensitivity
    return -FRAME_S / math.log(period / (period + 1.0))


def test_time_constants_are_those_of_the_original():
    for sensitivity, seconds in [(200, 2.33), (220, 1.87), (295, 0.127), (299, 0.033)]:
        assert time_constant_s(sensitivity) == pytest.approx(seconds, rel=0.02)


@pytest.mark.parametrize("dt_s", [FRAME_S, HOP_S])
@pytest.mark.parametrize("sensitivity", [200.0, 220.0, 260.0, 295.0])
def test_a_step_from_c_to_g_makes_the_class_of_g_dominant_in_the_predicted_time(sensitivity, dt_s):
    organ = Organ(dt_s, pitch_sensitivity=sensitivity, smooth_factor=10)
    c_first = organ.play(0, 6.0)
    organ.play(7, 0.5)
    organ.play(0, 12.0)  # both have been heard: they have a rank
    ys, c, g = organ.play(7, 12.0), organ.class_of(0), organ.class_of(7)
    assert c_first[-1].argmax() == organ.palette[0]
    assert c != g
    crossed = float(np.argmax(ys[:, g] > ys[:, c])) * dt_s
    # Both integrators reach one half together, then a bin is averaged and ramped, one bin late.
    predicted, late = time_constant_s(sensitivity) * math.log(2.0), 10 * FRAME_S
    assert predicted + 0.3 * late <= crossed <= predicted + 2.2 * late
    assert ys[-1].argmax() == g


def test_streaming_classes_are_the_original_given_the_same_normaliser():
    rng = np.random.default_rng(3)
    notes = np.repeat(rng.integers(0, 4, 20), 43)
    organ = Organ(pitch_sensitivity=250.0, smooth_factor=20)
    organ.mixer.order = list(range(12))
    organ.mixer._heard_s = 2.0  # the pairing is settled
    organ.dt_s = FRAME_S
    chroma = np.full((len(notes), 12), 0.02, np.float32)
    chroma[np.arange(len(notes)), notes] = 1.0
    contexts = [TickContext(frame(n, chroma=row), n, n * FRAME_S, FRAME_S) for n, row in enumerate(chroma)]
    tops, ours = [], []
    for context in contexts:  # bar_now stays False: no swaps
        ours.append(organ.mixer.step(context)[organ.palette])
        tops.append(organ.mixer._high)
    c, rows = np.zeros(4), []
    for row, top in zip(chroma, tops, strict=True):
        c = (50.0 * c + row[:4]) / 51.0  # P = 300 - 250 frames
        rows.append(c / top)
    bins = np.clip(np.array(rows), 0, 1).reshape(-1, 20, 4).mean(1)
    ends = (np.arange(len(bins)) + 2) * 20
    times = np.arange(1, len(notes) + 1)
    ramps = np.stack([np.interp(times, np.r_[20, ends], np.r_[0.0, bins[:, k]]) for k in range(4)], 1)
    theirs = ramps / np.maximum(ramps.sum(1, keepdims=True), 1e-9)
    assert np.abs(np.array(ours)[25:] - theirs[25:]).max() < 1e-4


@pytest.mark.parametrize("classes", [1, 3, 6, 12])
def test_weights_sum_to_one_for_any_number_of_classes(classes):
    organ = Organ(classes=classes)
    rng = np.random.default_rng(0)
    for _ in range(200):
        y = organ.hear(rng.random(12).astype(np.float32))
        assert y.sum() == pytest.approx(1.0, abs=1e-5)
        assert (y >= 0).all()
        assert set(np.flatnonzero(y)) <= set(organ.palette)
    for _ in range(400):
        y = organ.hear(np.zeros(12, np.float32))
    assert np.isfinite(y).all()
    assert y.sum() == pytest.approx(1.0, abs=1e-5)


def test_each_knob_of_the_classes_moves_its_own_metric():
    def crossing(sensitivity: float) -> float:
        organ = Organ(pitch_sensitivity=sensitivity, smooth_factor=5)
        organ.play(0, 6.0)
        organ.play(7, 0.5)
        organ.play(0, 12.0)
        ys = organ.play(7, 8.0)
        return float(np.argmax(ys[:, organ.class_of(7)] > 0.5))

    assert increases([crossing(v) for v in (295.0, 280.0, 260.0, 230.0, 200.0)])

    def roughness(factor: int) -> float:
        organ = Organ(pitch_sensitivity=295.0, smooth_factor=factor)
        rng = np.random.default_rng(4)
        ys = np.array([organ.hear(rng.random(12).astype(np.float32)) for _ in range(860)])
        return float(np.abs(np.diff(ys[100:], axis=0)).mean())

    assert increases([roughness(v) for v in (30, 20, 12, 6, 2)])

    def in_play(count: int) -> float:
        organ = Organ(classes=12, num_classes=count)
        rng = np.random.default_rng(4)
        return float(np.count_nonzero([organ.hear(rng.random(12).astype(np.float32)) for _ in range(200)][-1]))

    assert increases([in_play(v) for v in (1, 3, 6, 12)])


def test_the_pairing_of_pitches_and_classes_does_not_scramble_under_a_held_chord():
    organ = Organ(classes=12)
    rng = np.random.default_rng(6)
    chord = np.linspace(1.0, 0.1, 12).astype(np.float32)
    for _ in range(200):
        organ.hear(chord)
    before = list(organ.mixer.order)
    for _ in range(1000):
        organ.hear(np.clip(chord + 0.05 * rng.standard_normal(12), 0, 1).astype(np.float32))
    assert organ.mixer.order == before == list(range(12))
