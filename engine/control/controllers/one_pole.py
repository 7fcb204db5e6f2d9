"""One-pole smoothing."""

import math

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "one_pole")
class OnePole(Controller):
    """y += (x - y)(1 - exp(-dt / time)): 63% of a step after one time constant."""

    time_s = Param(0.3, low=0.001, high=60.0, curve="exp", unit="s", doc="Time constant of the smoothing.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._y = 0.0

    def step(self, x: float, context: TickContext) -> float:
        self._y += (x - self._y) * (1.0 - math.exp(-context.dt_s / self.time_s))
        return self._y
