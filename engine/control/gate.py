"""Lets a signal through only above a threshold."""

from engine.control.controller import Controller
from engine.moment import Moment
from engine.params import Param
from engine.registry import register


@register("controller", "gate")
class Gate(Controller):
    """The input where it is at or above the threshold, else 0."""

    threshold = Param(0.3, low=0.0, high=1.0, doc="The least input that passes.")

    def step(self, x: float, moment: Moment) -> float:
        return x if x >= self.threshold else 0.0
