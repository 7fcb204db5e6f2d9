"""Energy by frequency: mel bands and eight broad ones."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from engine.core.registry import register
from engine.core.types import FloatArray
from engine.features.analysis.feature import Feature, Format, Hop
from engine.features.analysis.spectrum import Spectrum

MELS = 40
LOW_HZ, HIGH_HZ = 30.0, 16000.0
COMPRESSION = 1000.0  # log(1 + 1000 m): -60 dB is where it turns from linear to logarithmic
EDGES_HZ = (30.0, 90.0, 180.0, 360.0, 750.0, 1500.0, 3000.0, 6000.0, 16000.0)  # sub, bass, ..., air


def mel_centres_hz(count: int = MELS, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ) -> FloatArray:
    """(count + 2,) frequencies equally spaced in mels (O'Shaughnessy 1987), both ends included."""
    mels = np.linspace(np.log1p(low_hz / 700.0), np.log1p(high_hz / 700.0), count + 2)
    hertz: FloatArray = (700.0 * np.expm1(mels)).astype(np.float32)
    return hertz


def triangles(frequencies_hz: FloatArray, edges_hz: FloatArray) -> FloatArray:
    """(bands, bins) triangular filters between neighbouring edges, at least a bin wide, each with a sum of one."""
    width = frequencies_hz[1] - frequencies_hz[0]
    low, centre, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rise = (frequencies_hz - np.minimum(low, centre - width)) / np.maximum(centre - low, width)
    fall = (np.maximum(high, centre + width) - frequencies_hz) / np.maximum(high - centre, width)
    weights: FloatArray = np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


@register("feature", "bands")
class Bands(Feature):
    """`mel` (40,) and `bands` (8,: sub bass to air), logarithmic, after the gain, 0..1."""

    vectors: ClassVar[Mapping[str, int]] = {"mel": MELS, "bands": len(EDGES_HZ) - 1}
    after = ("gain",)

    def __init__(self, form: Format) -> None:
        frequencies_hz = np.linspace(0.0, form.rate_hz / 2, Spectrum(form).size // 2 + 1).astype(np.float32)
        centres_hz = mel_centres_hz()
        self._filters = triangles(frequencies_hz, centres_hz)
        inside = (centres_hz[1:-1] >= np.array(EDGES_HZ)[:-1, None]) & (centres_hz[1:-1] < np.array(EDGES_HZ)[1:, None])
        self._groups = (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)
        self._norm = np.float32(1.0 / np.log1p(COMPRESSION))
        super().__init__(form)

    def step(self, hop: Hop) -> None:
        mel = self._filters @ hop.magnitude
        mel *= np.float32(COMPRESSION * hop.gain)
        hop.log_mel = np.log1p(mel, out=mel)
        hop.vectors["mel"] = shown = np.minimum(mel * self._norm, np.float32(1.0))
        hop.vectors["bands"] = self._groups @ shown
