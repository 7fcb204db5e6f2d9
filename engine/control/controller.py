"""What shapes a signal between its source and its routes: one number in, one number out, every tick."""

from abc import abstractmethod

from engine.chance import Chance
from engine.moment import Moment
from engine.params import Parametric


class Controller(Parametric):
    """Base of all controllers. Times are in seconds, so that the hop size does not change the look."""

    def __init__(self, chance: Chance) -> None:
        super().__init__()
        self.chance = chance

    @abstractmethod
    def step(self, x: float, moment: Moment) -> float:
        """The output for the input `x` at this tick."""
