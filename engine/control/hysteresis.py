"""A switch with two thresholds, which does not chatter."""

from engine.chance import Chance
from engine.control.controller import Controller
from engine.moment import Moment
from engine.params import Param
from engine.registry import register


@register("controller", "hysteresis")
class Hysteresis(Controller):
    """A Schmitt trigger: 1 from `on` upwards until the input falls below `off`, else 0."""

    on = Param(0.6, low=0.0, high=1.0, doc="Switches on at this input.")
    off = Param(0.4, low=0.0, high=1.0, doc="Switches off below this input.")

    def __init__(self, chance: Chance) -> None:
        super().__init__(chance)
        self._open = False

    def step(self, x: float, moment: Moment) -> float:
        self._open = x >= min(self.on, self.off) if self._open else x >= self.on
        return float(self._open)
