"""Spectral gradient: how fast the power rises."""

import numpy as np

from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit

LAG_S = 0.0232  # one frame of the original: 512 samples at 22.05 kHz
MEMORY_S = 60.0


@register("feature", "gradient")
class Gradient(Feature):
    """`gradient`: rise of the spectrum's power over 23 ms, negatives to 0, by the running maximum (Deep Music Visualizer)."""

    values = ("gradient",)
    after = ("gain",)

    def __init__(self, form: Format) -> None:
        self._lag, self._decay = form.hops(LAG_S), 1.0 - form.pole(MEMORY_S)
        super().__init__(form)

    def reset(self) -> None:
        self._past = [0.0] * self._lag
        self._top = 1e-9

    def step(self, hop: Hop) -> None:
        power = float(np.dot(hop.magnitude, hop.magnitude)) * hop.gain**2
        place = hop.number % self._lag
        rise = max(power - self._past[place], 0.0)
        self._past[place] = power
        if hop.gain > 0.0:
            self._top = max(self._top * self._decay, rise, 1e-9)
        hop.values["gradient"] = unit(rise / self._top)
