"""Spectral centroid: where the spectrum's weight lies."""

import math

import numpy as np

from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit
from engine.features.bands import mel_centres_hz

LOW_HZ, OCTAVES = 100.0, 7.0


@register("feature", "centroid")
class Centroid(Feature):
    """`centroid`: brightness, 0 at 100 Hz to 1 at 12.8 kHz on an octave scale; holds in silence."""

    values = ("centroid",)
    after = ("bands",)

    def __init__(self, form: Format) -> None:
        self._octaves = np.log2(mel_centres_hz()[1:-1] / LOW_HZ).astype(np.float32)
        super().__init__(form)

    def reset(self) -> None:
        self._value = 0.0

    def step(self, hop: Hop) -> None:
        weight = float(hop.log_mel.sum())
        if weight > 1e-3:
            mean = float(np.dot(hop.log_mel, self._octaves)) / weight
            self._value = unit(mean / OCTAVES) if math.isfinite(mean) else self._value
        hop.values["centroid"] = self._value
