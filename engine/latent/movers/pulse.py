"""A push out of the way and back: the percussive part of a sound in z (after Lucid Sonic Dreams)."""

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.mover import Mover

RISE = 0.05  # of `push` within a tick: a new hit
REST_S = 0.08  # hits closer than this are one


@register("mover", "pulse")
class Pulse(Mover):
    """Adds `push` times a random direction, another one for every hit. An envelope routed to `push` makes it fall back."""

    push = Param(0.0, low=0.0, high=3.0, doc="Distance in standard deviations of z.")

    def seed(self, rng: Rng) -> None:
        self._rng = rng
        self._hits = 0
        self._last, self._hit_s = 0.0, -1.0
        self._direction = rng.normals(0, self.size)

    def step(self, z: FloatArray, context: TickContext) -> None:
        push = self.push
        if push > self._last + RISE and context.time_s - self._hit_s > REST_S:
            self._hits += 1
            self._hit_s = context.time_s
            self._direction = self._rng.normals(self._hits, self.size)
        self._last = push
        if push > 0.0:
            z += push * self._direction
