"""A hit that jumps up within one tick and dies away."""

import math

from engine.chance import Chance
from engine.control.controller import Controller
from engine.moment import Moment
from engine.params import Param
from engine.registry import register


@register("controller", "envelope")
class Envelope(Controller):
    """Takes the input at once when it is above what is left of the last hit, then decays exponentially."""

    decay_s = Param(0.18, low=0.005, high=30.0, curve="exp", unit="s", doc="Time in which a hit falls to 37%.")

    def __init__(self, chance: Chance) -> None:
        super().__init__(chance)
        self._y = 0.0

    def step(self, x: float, moment: Moment) -> float:
        self._y = max(x, self._y * math.exp(-moment.dt_s / self.decay_s))
        return self._y
