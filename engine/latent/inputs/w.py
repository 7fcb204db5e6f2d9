"""w from a hand: the latent behind a mapping network, for one layer after another or for all alike (w+)."""

import math
from copy import copy

import numpy as np

from engine.core.params import Leaf, Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray, GeneratorInfo
from engine.latent.network_inputs import NUDGE, NetworkInput

HAND_S = 0.03  # the hand's steps come at its own rate, and should not show


@register("input", "w")
class GivenW(NetworkInput):
    """/network/w/*: the shape (L * W + 1,) holds w+, then how far it takes the place of the mapped one.

    W is the shape of the model's `nudge`.
    """

    value = Param((), low=-100.0, high=100.0, doc="w for all layers, or w+, layer by layer; another count is refused.")
    amount = Param(0.0, doc="How far it takes the place of the mapped and truncated w.", slew_s=0.05)

    def __init__(self, shape: tuple[int, ...], model: GeneratorInfo, rng: Rng) -> None:
        super().__init__(shape, model, rng)
        size = shape[0] - 1
        value = copy(type(self).value)
        value.counts = tuple(dict.fromkeys((*model.extra_inputs.get(NUDGE, ()), size)))
        self.leaves = {**self.leaves, "value": Leaf(value)}
        self._at, self._given = np.zeros(shape, np.float32), ()
        self._goal: FloatArray | None = None  # (L * W,); none has been given

    def step(self, context: TickContext) -> FloatArray:
        given, amount, size = self.value, self.amount, self.shape[0] - 1
        if given and given is not self._given:  # thousands of numbers, which cost too much to be turned into an array every tick
            goal = np.resize(np.array(given, np.float32), size)
            if self._goal is None:
                self._at[:size] = goal
            self._given, self._goal = given, goal
        if amount == 0.0 and not given:  # taken back; before that, the amount may still be on its way
            self._given, self._goal = (), None
        if amount == 0.0 or self._goal is None:
            return np.zeros(self.shape, np.float32)
        self._at[:size] += (self._goal - self._at[:size]) * np.float32(1.0 - math.exp(-context.dt_s / HAND_S))
        self._at[size] = amount
        return self._at.copy()
