"""One-pole smoothing."""

import math

from engine.chance import Chance
from engine.control.controller import Controller
from engine.moment import Moment
from engine.params import Param
from engine.registry import register


@register("controller", "one_pole")
class OnePole(Controller):
    """y += (x - y)(1 - exp(-dt / time)): 63% of a step after one time constant."""

    time_s = Param(0.3, low=0.001, high=60.0, curve="exp", unit="s", doc="Time constant of the smoothing.")

    def __init__(self, chance: Chance) -> None:
        super().__init__(chance)
        self._y = 0.0

    def step(self, x: float, moment: Moment) -> float:
        self._y += (x - self._y) * (1.0 - math.exp(-moment.dt_s / self.time_s))
        return self._y
