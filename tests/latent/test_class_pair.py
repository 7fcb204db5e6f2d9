import numpy as np
import pytest
from song import HOP_S, frame

from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.latent.classes import class_leaves, slugs
from engine.latent.mixers.class_pair import ClassPair

NAMES = tuple(f"class {n}" for n in range(12))
BAR_S = 2.0


class Choir:
    """A class pair with its weights at hand, stepped at 120 BPM."""

    def __init__(self, weights: dict[int, float], seed: int = 1, **settings) -> None:
        self.leaves = class_leaves(NAMES)
        for index, weight in weights.items():
            self.weigh(index, weight)
        self.mixer = ClassPair(self.leaves, list(weights), Rng(seed, "classes"))
        for name, value in settings.items():
            self.mixer.leaves[name].set_base(value)
        self.tick = 0

    def weigh(self, index: int, weight: float) -> None:
        list(self.leaves.values())[index].set_base(weight)

    def sing(self, seconds: float) -> np.ndarray:
        """y (T, C)."""
        out = []
        for _ in range(round(seconds / HOP_S)):
            bars, before = (self.tick + 1) * HOP_S / BAR_S, self.tick * HOP_S / BAR_S
            context = TickContext(frame(self.tick), self.tick, self.tick * HOP_S, HOP_S, bars * 4, bars)
            context.bar_now = int(bars) > int(before)
            out.append(self.mixer.step(context))
            self.tick += 1
        return np.array(out)


def leads(ys: np.ndarray) -> np.ndarray:
    return ys.argmax(1)


def test_weights_sum_to_one_two_at_most_and_never_jump():
    ys = Choir({1: 1.0, 3: 0.8, 5: 0.6, 7: 0.6}, hold_bars=2, fade_s=1.0).sing(120)
    assert np.allclose(ys.sum(1), 1.0, atol=1e-6)
    assert (ys >= 0).all()
    assert np.count_nonzero(ys, axis=1).max() == 2
    assert np.abs(np.diff(ys, axis=0)).max() < 0.02
    assert set(leads(ys)) == {1, 3, 5, 7}


def test_the_lead_changes_on_bars_and_is_sharp():
    fade_s = 1.0
    ys = Choir({1: 1.0, 3: 0.8, 5: 0.6}, hold_bars=2, fade_s=fade_s).sing(80)
    starts = []  # when a lead began to give way: its share starts to fall below its rest
    changes = np.flatnonzero(np.diff(leads(ys))) * HOP_S
    assert len(changes) >= 15
    for change in changes:
        # The new lead overtakes at half the fade, after the old guest has made room in at most half a fade.
        start = np.floor(change / BAR_S) * BAR_S
        starts.append(change - start)
    assert max(starts) <= fade_s + 2 * HOP_S
    assert np.median(ys.max(1)) > 0.6


def test_heavier_classes_lead_more_often():
    ys = Choir({1: 1.0, 3: 1.0, 5: 0.1}, hold_bars=1, fade_s=0.2).sing(400)
    share = np.bincount(leads(ys), minlength=12) / len(ys)
    assert share[5] < 0.5 * min(share[1], share[3])


def test_hysteresis_without_turns_only_a_clear_gain_takes_the_lead():
    choir = Choir({1: 0.6, 3: 0.55}, hold_bars=0, hysteresis=0.2, fade_s=0.2)
    assert set(leads(choir.sing(20))) == {1}
    choir.weigh(3, 0.7)
    assert set(leads(choir.sing(20))) == {1}
    choir.weigh(3, 0.9)
    ys = choir.sing(10)
    assert leads(ys)[-1] == 3
    wobble = [choir.weigh(1, 0.6 + 0.1 * (n % 2)) or leads(choir.sing(0.5))[-1] for n in range(20)]
    assert set(wobble) == {3}


def test_a_class_whose_weight_is_taken_away_leaves_at_once():
    choir = Choir({1: 1.0, 3: 0.8}, hold_bars=0, fade_s=0.3)
    choir.sing(3.1)
    choir.weigh(1, 0.0)
    ys = choir.sing(0.6)
    assert ys[-1, 3] == pytest.approx(1.0)


def test_a_section_brings_its_class_within_its_fade():
    choir = Choir({1: 1.0, 3: 0.8}, hold_bars=4, fade_s=3.0)
    choir.sing(9.3)
    choir.weigh(7, 1.0)
    choir.mixer.turn_to([7], 0.25)
    ys = choir.sing(0.5)
    assert ys[-1, 7] > 0.9
    assert np.count_nonzero(ys, axis=1).max() == 2


@pytest.mark.parametrize("weights", [{4: 1.0}, {4: 0.0}, {4: 0.02, 5: 0.02}])
def test_one_class_or_none_in_play_is_still_a_picture(weights):
    ys = Choir(weights).sing(20)
    assert np.allclose(ys.sum(1), 1.0)
    assert (leads(ys) == 4).all()


def test_the_same_seed_turns_alike_and_another_does_not():
    weights = dict.fromkeys(range(8), 1.0)
    one, again, other = (Choir(weights, seed, hold_bars=1, fade_s=0.2).sing(60) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (leads(one) != leads(other)).any()


@pytest.mark.parametrize("name", list(ClassPair(class_leaves(NAMES), [0], Rng(0, "")).leaves))
def test_every_parameter_beyond_its_ends_keeps_weights_summing_to_one(name):
    param = ClassPair(class_leaves(NAMES), [0], Rng(0, "")).leaves[name].param
    for end in (param.low - 1e6, param.low, param.high, param.high + 1e6):
        choir = Choir({1: 1.0, 3: 0.8, 5: 0.6}, **{name: end})
        assert param.low <= choir.mixer.leaves[name].value <= param.high
        ys = choir.sing(30)
        assert np.allclose(ys.sum(1), 1.0, atol=1e-6)
        assert (ys >= 0).all()


def test_slugs_are_addresses_and_doubles_are_numbered():
    for names in (("a", "a", "a 2"), ("a 2", "a", "a"), ("a", "a", "a", "A-2", "a_3", "a"), ("", "class", "-2"), ("x",) * 1000):
        assert len(set(slugs(names))) == len(names) == len(class_leaves(names))
    assert slugs(("a", "a", "a 2")) == ("a", "a-3", "a-2")
    assert slugs(("Great White Shark", "crane", "crane", "é!")) == ("great-white-shark", "crane", "crane-2", "class")
