"""w from a hand: the latent behind a mapping network, for one layer after another or for all alike (w+)."""

import math

import numpy as np

from engine.chance import Chance
from engine.latent.live import LiveInput
from engine.moment import Moment
from engine.params import Param
from engine.registry import register
from engine.types import FloatArray

HAND_S = 0.03  # the hand's steps come at its own rate, and should not show


@register("live", "w")
class GivenW(LiveInput):
    """/network/w/*: the shape (L * W + 1,) holds w+, then how far it takes the place of the mapped one."""

    value = Param((), low=-100.0, high=100.0, doc="w for all layers, or w+, layer by layer; another count is not taken.")
    amount = Param(0.0, doc="How far it takes the place of the mapped and truncated w.", slew_s=0.05)

    def seed(self, chance: Chance) -> None:
        self._at, self._given = np.zeros(self.shape, np.float32), ()
        self._goal = self._at[:-1]

    def step(self, moment: Moment) -> FloatArray:
        given, size = self.value, self.shape[0] - 1
        at = self._at
        at[size] = self.amount if given and size % len(given) == 0 else 0.0
        if at[size] == 0.0:
            return np.zeros(self.shape, np.float32)
        fresh = not self._given
        if given is not self._given:  # thousands of numbers, which cost too much to be turned into an array every tick
            self._given, self._goal = given, np.resize(np.array(given, np.float32), size)
        at[:size] += (self._goal - at[:size]) * np.float32(1.0 if fresh else 1.0 - math.exp(-moment.dt_s / HAND_S))
        return at.copy()
