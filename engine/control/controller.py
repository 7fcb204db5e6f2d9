"""What shapes a signal between its source and its routes: one number in, one number out, every tick."""

from abc import abstractmethod

from engine.core.params import Parametric
from engine.core.rng import Rng
from engine.core.tick_context import TickContext


class Controller(Parametric):
    """Base of all controllers. Times are in seconds, so that the hop size does not change the look."""

    def __init__(self, rng: Rng) -> None:
        super().__init__()
        self.rng = rng

    @abstractmethod
    def step(self, x: float, context: TickContext) -> float:
        """The output for the input `x` at this tick."""
