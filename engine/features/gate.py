"""Tells silence from sound."""

from engine.core.params import Param
from engine.core.registry import register
from engine.features.analysis.feature import Feature, Hop

HYSTERESIS_DB = 6.0
HOLD_S = 0.4


@register("feature", "gate")
class Gate(Feature):
    """`silence`: 1 after 0.4 s below the gate; 0 again with the first hop above it."""

    values = ("silence",)
    after = ("loudness",)
    gate_db = Param(-60.0, low=-90.0, high=-20.0, unit="dB", doc="Sound below this loudness is silence.")

    def reset(self) -> None:
        self._below = self.format.hops(HOLD_S)
        self._silent = True

    def step(self, hop: Hop) -> None:
        threshold_db = self.gate_db if self._silent else self.gate_db - HYSTERESIS_DB
        self._below = 0 if hop.values["loudness_db"] > threshold_db else self._below + 1
        self._silent = self._below >= self.format.hops(HOLD_S)
        hop.values["silence"] = float(self._silent)
