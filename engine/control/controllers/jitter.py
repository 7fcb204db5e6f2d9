"""A seeded random walk between -1 and 1, added to the input."""

import math

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "jitter")
class Jitter(Controller):
    """A reflected walk: sqrt(dt)-scaled steps, so that its spread after a second does not depend on the hop."""

    amount = Param(1.0, low=0.0, high=2.0, doc="Size of the walk that is added to the input.")
    rate = Param(0.5, low=0.01, high=20.0, curve="exp", unit="1/s", doc="Variance a second: how fast it wanders.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._at = 2.0 * rng.unit(-1) - 1.0

    def step(self, x: float, context: TickContext) -> float:
        # A uniform step of -1..1 has variance 1/3.
        at = self._at + (2.0 * self.rng.unit(context.tick) - 1.0) * math.sqrt(3.0 * self.rate * context.dt_s)
        at = (at + 1.0) % 4.0  # reflection at both ends is a folded circle
        self._at = (at if at <= 2.0 else 4.0 - at) - 1.0
        return x + float(self.amount) * self._at
