"""Onsets: the moments at which something starts."""

from engine.core.params import Param
from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit

MEAN_S = 0.12
APART_S = 0.045
FLOOR = 0.10
AGO_S = 0.008  # measured: how long before the end of the reporting hop the sound began
FULL = 1.5  # novelty of a very hard hit


@register("feature", "onset")
class Onset(Feature):
    """`onset`: strength at this hop, else 0; the event is reported with the first hop whose novelty stands out.

    The threshold follows the mean novelty of the last 0.12 s; onsets are at least 45 ms apart.
    """

    values = ("onset",)
    events = ("onset",)
    after = ("flux",)
    threshold = Param(2.4, low=1.0, high=5.0, doc="How far a rise must stand above the mean of the last moments.")

    def __init__(self, form: Format) -> None:
        self._length, self._apart = form.hops(MEAN_S), form.hops(APART_S)
        super().__init__(form)

    def reset(self) -> None:
        self._past = [0.0] * self._length
        self._since = self._apart

    def step(self, hop: Hop) -> None:
        mean = sum(self._past) / self._length
        self._past[hop.number % self._length] = hop.novelty
        self._since += 1
        stands_out = hop.novelty > FLOOR + self.threshold * mean
        strength = 0.0
        if stands_out and self._since >= self._apart:
            self._since = 0
            strength = unit(hop.novelty / FULL)
            hop.emit("onset", strength, AGO_S)
        hop.values["onset"] = strength
