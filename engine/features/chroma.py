"""Chroma: how strongly each of the twelve pitch classes sounds."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from engine.core.registry import register
from engine.core.types import FloatArray
from engine.features.analysis.aubio_binding import Transform
from engine.features.analysis.feature import Feature, Format, Hop
from engine.features.analysis.spectrum import LOW_FACTOR, LOW_S, late_window, power_of_two

EVERY_S = 0.0427
REST_HOPS = 2  # between the transform and the fit, so that no hop does both
LOWEST, HIGHEST, TOP = 36, 96, 101  # MIDI: notes that are fitted; highest bin of the spectrum they are fitted to
BINS_PER_SEMITONE = 3
HARMONICS, DECAY, WIDTH = 8, 0.7, 0.3  # of a note's template; width in semitones
ROUNDS = 6
FALL = 0.25  # share of the window behind its peak


@register("feature", "chroma")
class Chroma(Feature):
    """`chroma` (12,) from C, the strongest 1; all 0 in silence.

    Harmonic templates of 61 notes are fitted to a log-frequency spectrum of the last third of a second by multiplicative
    updates (non-negative factorisation with a fixed dictionary, after Smaragdis and Brown 2003): overtones count for their note.
    """

    vectors: ClassVar[Mapping[str, int]] = {"chroma": 12}
    after = ("gain",)

    def __init__(self, form: Format) -> None:
        rate_hz = form.rate_hz / LOW_FACTOR
        size = power_of_two(rate_hz * LOW_S)
        self._every = max(form.hops(EVERY_S), REST_HOPS + 1)
        self._window = late_window(size, FALL)
        self._transform = Transform(size)
        frequencies_hz = np.linspace(0.0, rate_hz / 2, size // 2 + 1)
        frequencies_hz = frequencies_hz[frequencies_hz < 440.0 * 2 ** ((TOP + 1 - 69) / 12)]
        notes = 69.0 + 12.0 * np.log2(np.maximum(frequencies_hz, 20.0) / 440.0)
        places = np.arange(LOWEST - 3, TOP, 1 / BINS_PER_SEMITONE)
        # In the bass a bin of the transform is wider than a place on the scale.
        width = np.maximum(0.25, 0.6 * np.gradient(notes))
        self._spread = np.exp(-0.5 * ((notes - places[:, None]) / width) ** 2).astype(np.float32)  # (places, bins)
        pitches = np.arange(LOWEST, HIGHEST + 1)
        templates = np.zeros((pitches.size, places.size))
        for harmonic in range(1, HARMONICS + 1):
            distance = places - pitches[:, None] - 12.0 * np.log2(harmonic)
            templates += DECAY ** (harmonic - 1) * np.exp(-0.5 * (distance / WIDTH) ** 2)
        self._templates = (templates / templates.sum(axis=1, keepdims=True)).astype(np.float32)  # (notes, places)
        self._transposed = np.ascontiguousarray(self._templates.T)
        self._fold = (pitches % 12 == np.arange(12)[:, None]).astype(np.float32)
        super().__init__(form)

    def reset(self) -> None:
        self._heard = np.zeros(self._spread.shape[0], np.float32)
        self._value = np.zeros(12, np.float32)

    def step(self, hop: Hop) -> None:
        turn = hop.number % self._every
        if turn == 0:
            magnitude = self._transform(hop.low * self._window)[: self._spread.shape[1]]
            self._heard = np.sqrt(self._spread @ magnitude)
        elif turn == REST_HOPS:
            self._value = self._fit(self._heard)
        if hop.gain == 0.0:
            self._value = np.zeros(12, np.float32)
        hop.vectors["chroma"] = self._value

    def _fit(self, heard: FloatArray) -> FloatArray:
        heard = heard / max(float(heard.max()), 1e-9)
        amount = self._templates @ heard
        for _ in range(ROUNDS):
            amount *= self._templates @ (heard / (self._transposed @ amount + np.float32(1e-4)))
        chroma: FloatArray = self._fold @ amount
        return chroma / max(float(chroma.max()), 1e-9)
