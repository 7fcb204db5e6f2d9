"""What moves a latent: each mover of a patch changes z in turn, every tick."""

from abc import abstractmethod

from engine.chance import Chance
from engine.moment import Moment
from engine.params import Parametric
from engine.types import FloatArray


class Mover(Parametric):
    """Base of all movers. z is (Z,) and meant to stay near N(0, 1) in each dimension."""

    def __init__(self, size: int, chance: Chance) -> None:
        super().__init__()
        self.size = size
        self.seed(chance)

    @abstractmethod
    def seed(self, chance: Chance) -> None:
        """Start afresh with other draws."""

    @abstractmethod
    def step(self, z: FloatArray, moment: Moment) -> None:
        """Change z (Z,) in place for this tick."""
