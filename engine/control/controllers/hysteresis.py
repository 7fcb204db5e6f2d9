"""A switch with two thresholds, which does not chatter."""

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "hysteresis")
class Hysteresis(Controller):
    """A Schmitt trigger: 1 from `on` upwards until the input falls below `off`, else 0."""

    on = Param(0.6, low=0.0, high=1.0, doc="Switches on at this input.")
    off = Param(0.4, low=0.0, high=1.0, doc="Switches off below this input.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._open = False

    def step(self, x: float, context: TickContext) -> float:
        self._open = x >= min(self.on, self.off) if self._open else x >= self.on
        return float(self._open)
