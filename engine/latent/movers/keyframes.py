"""A loop of seeded latents, one eased step every few bars (the interpolation loops of the GAN video makers)."""

import math

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.mover import Mover


@register("mover", "keyframes")
class Keyframes(Mover):
    """Sets z: from keyframe to keyframe along great circles, round and round."""

    count = Param(8, low=2, high=64, doc="Keyframes in the loop.")
    bars = Param(4.0, low=0.25, high=64.0, curve="exp", unit="bars", doc="Bars from one keyframe to the next.")
    rate = Param(1.0, low=0.125, high=8.0, curve="exp", doc="Speed along the loop; 1 keeps the steps on the bars.")
    ease = Param(0.7, doc="0: even motion; 1: each step starts and ends at rest.")

    def seed(self, rng: Rng) -> None:
        self._rng = rng
        self._at = 0.0  # in steps since the start
        self._bars: float | None = None
        self._leg: tuple[int, int] | None = None

    def step(self, z: FloatArray, context: TickContext) -> None:
        if self._bars is None:
            self._bars = context.bars
        self._at += (context.bars - self._bars) * self.rate / self.bars
        self._bars = context.bars
        whole = math.floor(self._at)
        leg = (whole % self.count, (whole + 1) % self.count)
        if leg != self._leg:
            self._leg = leg
            self._set_out(*leg)
        t = self._at - whole
        t += self.ease * (t * t * (3.0 - 2.0 * t) - t)
        z[:] = math.sin((1.0 - t) * self._angle) * self._one + math.sin(t * self._angle) * self._other

    def _set_out(self, one: int, other: int) -> None:
        # Slerp (Shoemake, 1985) with both ends' own lengths; the division is done once a leg.
        left, right = self._rng.normals(one, self.size), self._rng.normals(other, self.size)
        cosine = float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))
        self._angle = max(math.acos(min(max(cosine, -0.999), 0.999)), 1e-3)
        self._one, self._other = left / np.float32(math.sin(self._angle)), right / np.float32(math.sin(self._angle))
