"""A smooth noise walk: what keeps a picture alive between the beats."""

import math

from engine.chance import Chance
from engine.latent.mover import Mover
from engine.latent.noise_field import NoiseField
from engine.moment import Moment
from engine.params import Param
from engine.registry import register
from engine.types import FloatArray


@register("mover", "walk")
class Walk(Mover):
    """Turns z towards a wandering latent; the spread of z is kept."""

    amount = Param(0.35, doc="Share of the wandering latent: 0 none, 1 nothing else.", slew_s=0.5)
    speed = Param(0.12, low=0.005, high=4.0, curve="exp", unit="1/s", doc="New directions a second.")

    def seed(self, chance: Chance) -> None:
        self._field = NoiseField(chance, self.size)
        self._phase = 0.0

    def step(self, z: FloatArray, moment: Moment) -> None:
        self._phase += moment.dt_s * self.speed
        amount = self.amount
        z *= math.sqrt(1.0 - amount * amount)
        z += amount * self._field.at(self._phase)
