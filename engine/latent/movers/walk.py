"""A smooth noise walk: what keeps a picture alive between the beats."""

import math

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.mover import Mover
from engine.latent.noise_field import NoiseField

JITTER_HZ = 9.0  # as a hand trembles
JITTER = 0.5  # of a standard deviation of z, at most
FAR = 2.0**32  # along the same field, where no walk ever comes


@register("mover", "walk")
class Walk(Mover):
    """Turns z towards a wandering latent; the spread of z is kept."""

    amount = Param(0.35, doc="Share of the wandering latent: 0 none, 1 nothing else.", slew_s=0.5)
    speed = Param(0.12, low=0.005, high=4.0, curve="exp", unit="1/s", doc="New directions a second.")

    jitter = Param(0.0, doc="Quick unrest on top of the wandering: a trembling picture.", slew_s=0.05)

    def seed(self, rng: Rng) -> None:
        self._field, self._unrest = NoiseField(rng, self.size), NoiseField(rng, self.size)
        self._phase, self._trembled = 0.0, FAR

    def step(self, z: FloatArray, context: TickContext) -> None:
        self._phase += context.dt_s * self.speed
        amount = self.amount
        z *= math.sqrt(1.0 - amount * amount)
        z += amount * self._field.at(self._phase)
        jitter = self.jitter
        if jitter > 0.0:
            self._trembled += context.dt_s * JITTER_HZ
            z += jitter * JITTER * self._unrest.at(self._trembled)
