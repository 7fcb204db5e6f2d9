"""What moves a latent: each mover of a patch changes z in turn, every tick."""

from abc import abstractmethod

from engine.core.params import Parametric
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray


class Mover(Parametric):
    """Base of all movers. z is (Z,) and meant to stay near N(0, 1) in each dimension."""

    def __init__(self, size: int, rng: Rng) -> None:
        super().__init__()
        self.size = size
        self.seed(rng)

    @abstractmethod
    def seed(self, rng: Rng) -> None:
        """Start afresh with other draws."""

    @abstractmethod
    def step(self, z: FloatArray, context: TickContext) -> None:
        """Change z (Z,) in place for this tick."""
