"""Holds a signal and lets it change on beats or bars only."""

from engine.chance import Chance
from engine.control.controller import Controller
from engine.moment import Moment
from engine.params import Param
from engine.registry import register


@register("controller", "quantise")
class Quantise(Controller):
    """Sample and hold, clocked by the music."""

    to = Param("bar", choices=("beat", "bar"), doc="What lets a new value in.")

    def __init__(self, chance: Chance) -> None:
        super().__init__(chance)
        self._y: float | None = None

    def step(self, x: float, moment: Moment) -> float:
        if self._y is None or (moment.beat_now if self.to == "beat" else moment.bar_now):
            self._y = x
        return self._y
