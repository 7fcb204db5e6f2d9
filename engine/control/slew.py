"""A limit on how fast a signal may move."""

from engine.chance import Chance
from engine.control.controller import Controller
from engine.moment import Moment
from engine.params import Param
from engine.registry import register


@register("controller", "slew")
class Slew(Controller):
    """Follows the input at no more than `up` and `down` a second."""

    up = Param(2.0, low=0.01, high=1000.0, curve="exp", unit="1/s", doc="Fastest rise a second.")
    down = Param(2.0, low=0.01, high=1000.0, curve="exp", unit="1/s", doc="Fastest fall a second.")

    def __init__(self, chance: Chance) -> None:
        super().__init__(chance)
        self._y = 0.0

    def step(self, x: float, moment: Moment) -> float:
        self._y = min(max(x, self._y - self.down * moment.dt_s), self._y + self.up * moment.dt_s)
        return self._y
