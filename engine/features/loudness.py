"""Loudness as an ear weighs it."""

import math

import numpy as np

from engine.core.registry import register
from engine.core.types import FloatArray
from engine.features.analysis.feature import Feature, Format, Hop, unit
from engine.features.analysis.spectrum import Spectrum

RANGE_DB = 60.0
LEAST = 1e-12


def k_weights(frequencies_hz: FloatArray) -> FloatArray:
    """Power weights of the K curve (ITU-R BS.1770): a high-pass at 38 Hz and a 4 dB shelf above 1.7 kHz."""
    high_pass = (frequencies_hz / 38.135) ** 4 / (1.0 + (frequencies_hz / 38.135) ** 4)
    shelf = (1.0 + 10**0.4 * (frequencies_hz / 1500.0) ** 2) / (1.0 + (frequencies_hz / 1500.0) ** 2)
    return (high_pass * shelf).astype(np.float32)


@register("feature", "loudness")
class Loudness(Feature):
    """K-weighted loudness of the window: `loudness_db` (LUFS-like, a full-scale 1 kHz sine is about -3) and `loudness`."""

    values = ("loudness_db", "loudness")

    def __init__(self, form: Format) -> None:
        bins = Spectrum(form).size // 2 + 1
        self._weights = k_weights(np.linspace(0.0, form.rate_hz / 2, bins, dtype=np.float32)) / np.float32(
            3.0
        )  # 3: width of the window's peak, squared
        super().__init__(form)

    def step(self, hop: Hop) -> None:
        power = float(np.dot(hop.magnitude * hop.magnitude, self._weights))
        hop.values["loudness_db"] = level_db = 10.0 * math.log10(max(power, LEAST))
        hop.values["loudness"] = unit(1.0 + level_db / RANGE_DB)
