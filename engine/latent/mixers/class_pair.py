"""Two classes at a time: one leads and changes on bars, one is its guest. Mixing more makes mush, and mush is grey."""

from collections.abc import Sequence

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.classes import ClassMixer

BACK = 0.2  # the weight left to the class that led before
FLOOR = 0.05  # a class below this weight is not in play


@register("mixer", "class_pair")
class ClassPair(ClassMixer):
    """y has at most two entries. Weights move the guest's share at once; the lead passes on at bars only.

    The lead changes when its `hold_bars` are over (the next one is drawn, heavier classes more often), when another class has
    gained `hysteresis` more weight than it since the last change, or at once when its own weight is taken away.
    """

    hold_bars = Param(4, low=0, high=64, unit="bars", doc="Bars one class leads; 0: until another outweighs it.")
    hysteresis = Param(0.2, doc="How much more weight another class must have gained to take the lead.")
    sharpen = Param(3.0, low=1.0, high=8.0, curve="exp", doc="Power of the weights: high keeps the guest small.")
    guest = Param(0.35, low=0.0, high=0.5, doc="Greatest share of the second class.")
    fade_s = Param(1.5, low=0.02, high=20.0, curve="exp", unit="s", doc="Time in which the lead passes on.")

    def seed(self, rng: Rng) -> None:
        self._rng = rng
        self._turns = 0
        self._before = -1  # the class that led before the one that leads
        self._lead = self._second = self._next = -1
        self._share = 0.0  # of `_second`, before easing; reaches 1 when it takes the lead
        self._turn_bar = 0.0
        self._weights_then: dict[int, float] = {}
        self._hurry_s: float | None = None  # the fade of a section that began
        self._sure_s = 0.0  # how long the lead is safe although its weight is still rising

    def turn_to(self, palette: Sequence[int], fade_s: float) -> None:
        self._before = -1
        self._next, self._hurry_s, self._sure_s = palette[0], fade_s, fade_s + 0.2
        self._turn_bar, self._weights_then = -1.0, {}

    def step(self, context: TickContext) -> FloatArray:
        weights = self._in_play()
        if self._lead < 0:
            self._lead = self._next = max(weights, key=weights.__getitem__)
        self._choose(weights, context)
        self._move(weights, context.dt_s)
        y = np.zeros(len(self.weights), np.float32)
        t = self._share
        eased = t * t * (3.0 - 2.0 * t)
        y[self._lead] = 1.0 - eased
        if self._second >= 0:
            y[self._second] += eased
        return y

    def _in_play(self) -> dict[int, float]:
        found = {index: float(leaf.value) for index, leaf in enumerate(self.weights) if leaf.value > FLOOR}  # type: ignore
        return found or {self._lead if self._lead >= 0 else self.palette[0]: 1.0}

    def _choose(self, weights: dict[int, float], context: TickContext) -> None:
        if self._turn_bar < 0.0 or not self._weights_then:
            self._turn_bar, self._weights_then = float(round(context.bars)), weights
        self._sure_s -= context.dt_s
        if self._sure_s > 0.0:
            self._weights_then = weights
            return
        gone = self._next not in weights
        others = {index: weight for index, weight in weights.items() if index != self._next}
        if not others or not (gone or context.bar_now):
            return
        if gone or (self.hold_bars and context.bars >= self._turn_bar + self.hold_bars - 0.01):
            self._turn(self._drawn(others), weights, context)
            return
        then, lead = self._weights_then, self._next
        risen = weights[lead] - then.get(lead, 0.0)
        best = max(others, key=lambda index: others[index] - then.get(index, 0.0))
        if others[best] - then.get(best, 0.0) > risen + self.hysteresis:
            self._turn(best, weights, context)

    def _turn(self, index: int, weights: dict[int, float], context: TickContext) -> None:
        self._next, self._turn_bar, self._weights_then = index, float(round(context.bars)), weights

    def _drawn(self, others: dict[int, float]) -> int:
        """Another class, heavier ones more often, and seldom straight back to the one before: A, B, A shows half a palette."""
        self._turns += 1
        others = {index: weight * (BACK if index == self._before else 1.0) for index, weight in others.items()}
        self._before = self._next
        mark = self._rng.unit(self._turns) * sum(others.values())
        for index, weight in others.items():
            mark -= weight
            if mark < 0.0:
                return index
        return index

    def _move(self, weights: dict[int, float], dt_s: float) -> None:
        if self._next == self._lead:
            self._hurry_s = None
        fade_s = self.fade_s if self._hurry_s is None else self._hurry_s
        reach = dt_s / fade_s if fade_s > 0.0 else 1.0
        if self._next != self._lead:
            wanted, level = self._next, 1.0
        else:
            wanted, level = self._guest(weights)
        if wanted != self._second:
            if self._hurry_s is not None and self._hurry_s <= dt_s:
                self._share = 0.0
            self._share = max(0.0, self._share - 2.0 * reach)  # make room: never three at once
            if self._share == 0.0:
                self._second = wanted
            return
        gap = level - self._share
        self._share = level if abs(gap) <= reach else self._share + (reach if gap > 0.0 else -reach)
        if self._share >= 1.0:
            self._lead, self._second, self._share = self._second, self._lead, 0.0

    def _guest(self, weights: dict[int, float]) -> tuple[int, float]:
        """The second class and its share; it stays unless another clearly outweighs it."""
        others = {index: weight for index, weight in weights.items() if index != self._lead}
        if not others or self._lead not in weights:
            return self._second, 0.0
        best = max(others, key=others.__getitem__)
        if self._second in others and others[best] <= others[self._second] + self.hysteresis:
            best = self._second
        lead, second = weights[self._lead] ** self.sharpen, others[best] ** self.sharpen
        return best, min(second / (lead + second), self.guest)
