"""Smoothing that rises and falls at different speeds: a follower for levels."""

import math

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "attack_release")
class AttackRelease(Controller):
    """A one-pole whose time constant depends on the direction."""

    attack_s = Param(0.02, low=0.001, high=60.0, curve="exp", unit="s", doc="Time constant while the input is above the output.")
    release_s = Param(0.4, low=0.001, high=60.0, curve="exp", unit="s", doc="Time constant while the input is below the output.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._y = 0.0

    def step(self, x: float, context: TickContext) -> float:
        time_s = self.attack_s if x > self._y else self.release_s
        self._y += (x - self._y) * (1.0 - math.exp(-context.dt_s / time_s))
        return self._y
