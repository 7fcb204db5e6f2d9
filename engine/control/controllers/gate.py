"""Lets a signal through only above a threshold."""

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.tick_context import TickContext


@register("controller", "gate")
class Gate(Controller):
    """The input where it is at or above the threshold, else 0."""

    threshold = Param(0.3, low=0.0, high=1.0, doc="The least input that passes.")

    def step(self, x: float, context: TickContext) -> float:
        return x if x >= self.threshold else 0.0
