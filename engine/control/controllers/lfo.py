"""A low-frequency oscillator, free or tied to the beat."""

import math

from engine.control.controller import Controller
from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext

SHAPES = ("sine", "triangle", "saw", "square", "random")


@register("controller", "lfo")
class Lfo(Controller):
    """Runs between -1 and 1, times `depth`, plus the input. Its phase is kept when its rate is moved."""

    shape = Param("sine", choices=SHAPES, doc="The wave; `random` holds a new number every cycle.")
    clock = Param(
        "free", choices=("free", "beat", "bar"), doc="What a cycle is counted in: seconds, beats or bars.", formerly=("sync",)
    )
    rate_hz = Param(0.1, low=0.001, high=20.0, curve="exp", unit="Hz", doc="Cycles a second when free.")
    cycle = Param(1.0, low=0.125, high=64.0, curve="exp", unit="beats", doc="Beats or bars a cycle when tied to them.")
    phase = Param(0.0, doc="Where in the cycle it starts.")
    depth = Param(1.0, low=0.0, high=1.0, doc="Size of the swing.")

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._turns = 0.0

    def step(self, x: float, context: TickContext) -> float:
        clock = self.clock
        if clock == "free":
            self._turns += context.dt_s * self.rate_hz
            turns = self._turns
        else:
            turns = (context.beats if clock == "beat" else context.bars) / self.cycle
        turns += self.phase
        return x + float(self.depth) * self._wave(self.shape, turns)

    def _wave(self, shape: str, turns: float) -> float:
        at = turns % 1.0
        if shape == "sine":
            return math.sin(2.0 * math.pi * at)
        if shape == "triangle":
            return 4.0 * abs((at + 0.75) % 1.0 - 0.5) - 1.0
        if shape == "saw":
            return 2.0 * at - 1.0
        if shape == "square":
            return 1.0 if at < 0.5 else -1.0
        return 2.0 * self.rng.unit(math.floor(turns)) - 1.0
