"""A hit that jumps up within one tick and dies away."""

import math

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "envelope")
class Envelope(Controller):
    """Takes the input at once when it is above what is left of the last hit, then decays exponentially."""

    decay_s = Param(0.18, low=0.005, high=30.0, curve="exp", unit="s", doc="Time in which a hit falls to 37%.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._y = 0.0

    def step(self, x: float, context: TickContext) -> float:
        self._y = max(x, self._y * math.exp(-context.dt_s / self.decay_s))
        return self._y
