"""Kick, snare and hat, told apart by how the mel bands rise."""

from pathlib import Path

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.types import FloatArray
from engine.features.analysis.feature import Feature, Format, Hop, unit

NAMES = ("kick", "snare", "hat")
WEIGHTS = Path(__file__).with_name("drums.npz")  # made by tools/train_drums.py
LAGS_S = (0.0107, 0.016, 0.0213)
APART_S = 0.06
AGO_S = 0.0095  # measured: how long before the end of the reporting hop the drum was hit


class Rise:
    """The network's input: rise of the mel bands above their least value 11 to 21 ms ago, and the bands themselves."""

    def __init__(self, form: Format) -> None:
        lags = sorted({form.hops(lag_s) for lag_s in LAGS_S})
        self._length = lags[-1] + 1
        self._lags = lags
        self._past = np.zeros((self._length, 0), np.float32)

    def __call__(self, mel: FloatArray, number: int) -> FloatArray:
        """(bands,) of hop `number` -> (2 x bands,)."""
        if not self._past.size:
            self._past = np.zeros((self._length, mel.size), np.float32)
        past = self._past
        past[number % self._length] = mel
        least = past[(number - self._lags[0]) % self._length]
        for lag in self._lags[1:]:
            least = np.minimum(least, past[(number - lag) % self._length])
        return np.concatenate((mel - least, mel))


@register("feature", "drums")
class Drums(Feature):
    """`kick`, `snare`, `hat`: strength at this hop, else 0; events of the same names.

    A network of one small hidden layer, trained on General MIDI drum kits alone and in music, looks at every hop.
    """

    values = NAMES
    events = NAMES
    after = ("bands",)
    threshold = Param(0.8, low=0.3, high=0.98, doc="How sure a hit must be.")

    def __init__(self, form: Format) -> None:
        with np.load(WEIGHTS, allow_pickle=False) as file:
            self._inner, self._inner_bias, self._outer, self._outer_bias = (
                np.ascontiguousarray(file[key], np.float32) for key in ("inner", "inner_bias", "outer", "outer_bias")
            )
        self._apart = form.hops(APART_S)
        super().__init__(form)

    def reset(self) -> None:
        self._rise = Rise(self.format)
        self._since = [self._apart] * len(NAMES)

    def step(self, hop: Hop) -> None:
        seen = self._rise(hop.vectors["mel"], hop.number)
        hidden = np.tanh(self._inner @ seen + self._inner_bias)
        sure = (self._outer @ hidden + self._outer_bias).tolist()
        threshold = float(np.log(self.threshold / (1.0 - self.threshold)))
        for place, name in enumerate(NAMES):
            self._since[place] += 1
            strength = 0.0
            if sure[place] > threshold and self._since[place] >= self._apart and hop.gain > 0.0:
                self._since[place] = 0
                strength = unit(0.25 + 2.0 * float(seen[: seen.size // 2].max()))
                hop.emit(name, strength, AGO_S)
            hop.values[name] = strength
