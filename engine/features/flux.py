"""Spectral flux: how much the spectrum rises."""

import numpy as np

from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit

LAG_S = 0.0107
MEMORY_S = 10.0
LOWER = 12  # mel bands below about 800 Hz


@register("feature", "flux")
class Flux(Feature):
    """SuperFlux (Böck and Widmer 2013) on the log mel bands: rise over the neighbourhood's maximum 10 ms ago.

    `flux`: 0..1 of the strongest rise of the last seconds. The raw novelty is left for onset and tempo.
    """

    values = ("flux",)
    after = ("bands",)

    def __init__(self, form: Format) -> None:
        self._lag, self._decay = form.hops(LAG_S), 1.0 - form.pole(MEMORY_S)
        super().__init__(form)

    def reset(self) -> None:
        self._past = [np.zeros(0, np.float32)] * self._lag
        self._top = 1e-3

    def step(self, hop: Hop) -> None:
        now = hop.log_mel
        place = hop.number % self._lag
        before = self._past[place]
        if before.size:
            rise = now - before
            np.maximum(rise, 0.0, out=rise)
            low = float(rise[:LOWER].sum())
            hop.novelty = float(rise.sum()) / now.size
            hop.novelties = (low / LOWER, hop.novelty - low / now.size)
        # The maximum over neighbouring bands keeps vibrato from counting as a rise.
        widened = now.copy()
        np.maximum(widened[1:], now[:-1], out=widened[1:])
        np.maximum(widened[:-1], now[1:], out=widened[:-1])
        self._past[place] = widened
        self._top = max(self._top * self._decay, hop.novelty, 1e-3) if hop.gain > 0.0 else self._top
        hop.values["flux"] = unit(hop.novelty / self._top)
