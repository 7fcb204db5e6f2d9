"""Style mixing: a second latent has a share of some layers (Karras et al., A Style-Based Generator Architecture, 2019)."""

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.layer_groups import GROUPS
from engine.latent.network_inputs import NetworkInput
from engine.latent.noise_field import NoiseField


@register("input", "styles")
class Styles(NetworkInput):
    """/network/styles/*: the shape (Z + 3,) holds the second latent, then its share of each group."""

    coarse = Param(0.0, doc="Share of the second latent in the coarse layers: pose and layout.", slew_s=0.05)
    middle = Param(0.0, doc="Share of the second latent in the middle layers: shapes.", slew_s=0.05)
    fine = Param(0.0, doc="Share of the second latent in the fine layers: colour and texture.", slew_s=0.05)
    speed = Param(0.05, low=0.005, high=4.0, curve="exp", unit="1/s", doc="How fast the second latent wanders.")

    def seed(self, rng: Rng) -> None:
        self._field, self._phase = NoiseField(rng, self.model.z_size), 0.0

    def step(self, context: TickContext) -> FloatArray:
        self._phase += context.dt_s * self.speed
        given = np.zeros(self.shape, np.float32)
        amounts = [self.leaves[group].value for group in GROUPS]
        if any(amounts):
            given[: self.model.z_size], given[self.model.z_size :] = self._field.at(self._phase), amounts
        return given
