"""A push out of the way and back: the percussive part of a sound in z (after Lucid Sonic Dreams)."""

from engine.chance import Chance
from engine.latent.mover import Mover
from engine.moment import Moment
from engine.params import Param
from engine.registry import register
from engine.types import FloatArray

RISE = 0.05  # of `push` within a tick: a new hit
REST_S = 0.08  # hits closer than this are one


@register("mover", "pulse")
class Pulse(Mover):
    """Adds `push` times a random direction, another one for every hit. An envelope routed to `push` makes it fall back."""

    push = Param(0.0, low=0.0, high=3.0, doc="Distance in standard deviations of z.")

    def seed(self, chance: Chance) -> None:
        self._chance = chance
        self._hits = 0
        self._last, self._hit_s = 0.0, -1.0
        self._direction = chance.normals(0, self.size)

    def step(self, z: FloatArray, moment: Moment) -> None:
        push = self.push
        if push > self._last + RISE and moment.time_s - self._hit_s > REST_S:
            self._hits += 1
            self._hit_s = moment.time_s
            self._direction = self._chance.normals(self._hits, self.size)
        self._last = push
        if push > 0.0:
            z += push * self._direction
