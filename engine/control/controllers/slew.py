"""A limit on how fast a signal may move."""

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


@register("controller", "slew")
class Slew(Controller):
    """Follows the input at no more than `up` and `down` a second."""

    up = Param(2.0, low=0.01, high=1000.0, curve="exp", unit="1/s", doc="Fastest rise a second.")
    down = Param(2.0, low=0.01, high=1000.0, curve="exp", unit="1/s", doc="Fastest fall a second.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._y = 0.0

    def step(self, x: float, context: TickContext) -> float:
        self._y = min(max(x, self._y - self.down * context.dt_s), self._y + self.up * context.dt_s)
        return self._y
