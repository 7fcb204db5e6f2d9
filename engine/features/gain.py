"""Evens out how loud the music is played."""

from engine.core.params import Param
from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit

TARGET_DB = -14.0
LEVEL_RANGE_DB = 40.0
LEVEL_AT_TARGET = 0.8
LIMIT_DB = 30.0
ATTACK_S, RELEASE_S = 0.5, 12.0
LEARN_S = 3.0  # the first seconds of sound are learnt faster
UP_DB_S = 6.0


@register("feature", "gain")
class Gain(Feature):
    """Auto-gain: brings the loud passages to -14 dB within seconds; frozen in silence, so the next hit meets the old gain.

    `gain_db`, and `level`: loudness after the gain, 0.8 at the target. Sets the gain that later features apply; 0 in silence.
    """

    values = ("gain_db", "level")
    after = ("gate", "loudness")
    auto_gain = Param(True, doc="Follow the loudness of the music.")
    trim_db = Param(0.0, low=-30.0, high=30.0, unit="dB", doc="Gain by hand, on top of the auto-gain.")

    def __init__(self, form: Format) -> None:
        self._attack, self._release, self._learn_hops = form.pole(ATTACK_S), form.pole(RELEASE_S), form.hops(LEARN_S)
        super().__init__(form)

    def reset(self) -> None:
        self._reference_db = TARGET_DB
        self._auto_db = 0.0
        self._heard = 0

    def step(self, hop: Hop) -> None:
        level_db = hop.values["loudness_db"]
        silent = hop.values["silence"] > 0.0
        if not silent:
            self._heard += 1
            pole = self._attack if level_db > self._reference_db else self._release
            if self._heard < self._learn_hops:
                pole = max(pole, 1.0 / (self._heard + 8))
            self._reference_db += (level_db - self._reference_db) * pole
            wanted_db = min(max(TARGET_DB - self._reference_db, -LIMIT_DB), LIMIT_DB)
            self._auto_db = min(wanted_db, self._auto_db + UP_DB_S * self.format.period_s)
        gain_db = (self._auto_db if self.auto_gain else 0.0) + self.trim_db
        hop.gain = 0.0 if silent else 10.0 ** (gain_db / 20.0)
        hop.values["gain_db"] = gain_db
        hop.values["level"] = 0.0 if silent else unit(LEVEL_AT_TARGET + (level_db + gain_db - TARGET_DB) / LEVEL_RANGE_DB)
