"""Holds a signal and lets it change on beats or bars only."""

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "sample_hold", formerly=("quantise",))
class SampleHold(Controller):
    """Sample and hold, clocked by the music."""

    to = Param("bar", choices=("beat", "bar"), doc="What lets a new value in.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._y: float | None = None

    def step(self, x: float, context: TickContext) -> float:
        if self._y is None or (context.beat_now if self.to == "beat" else context.bar_now):
            self._y = x
        return self._y
