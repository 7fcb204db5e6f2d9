"""Pitch of the leading voice."""

import math

from engine.core.registry import register
from engine.features.analysis.aubio_binding import Yin
from engine.features.analysis.feature import Feature, Format, Hop, unit
from engine.features.analysis.spectrum import LOW_FACTOR, power_of_two

WINDOW_S = 0.0427
EVERY = 4  # hops
LOW_HZ, HIGH_HZ, OCTAVES = 40.0, 2000.0, 6.0


@register("feature", "pitch")
class Pitch(Feature):
    """`pitch_hz` (0: none yet), `pitch` (0 at 40 Hz, 1/6 an octave) and `pitch_confidence`; held where there is none."""

    values = ("pitch_hz", "pitch", "pitch_confidence")
    after = ("gate",)

    def __init__(self, form: Format) -> None:
        rate_hz = form.rate_hz // LOW_FACTOR
        self._hop = form.size // LOW_FACTOR * EVERY
        self._window = power_of_two(rate_hz * WINDOW_S * 2)
        self._rate_hz = rate_hz
        super().__init__(form)

    def reset(self) -> None:
        self._yin = Yin(self._window, self._hop, self._rate_hz)
        self._hertz = self._confidence = 0.0

    def step(self, hop: Hop) -> None:
        if hop.number % EVERY == 1:
            hertz, confidence = self._yin(hop.low[-self._hop :])
            found = LOW_HZ <= hertz <= HIGH_HZ
            self._hertz = hertz if found else self._hertz
            self._confidence = confidence if found else 0.0
        silent = hop.values["silence"] > 0.0
        hop.values["pitch_hz"] = self._hertz
        hop.values["pitch"] = unit(math.log2(max(self._hertz, LOW_HZ) / LOW_HZ) / OCTAVES)
        hop.values["pitch_confidence"] = 0.0 if silent else self._confidence
