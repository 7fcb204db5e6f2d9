"""Silence, hop by hop: the clock of a show without sound."""

import numpy as np

from engine.audio.generated import GeneratedSource
from engine.core.registry import register
from engine.core.types import FloatArray


@register("source", "none")
class SilentSource(GeneratedSource):
    """Silence by the virtual clock."""

    name = "none"

    def __init__(self, rate_hz: int, hop: int, paced: bool, seed: int) -> None:
        super().__init__(rate_hz, hop, paced)
        self._silence = np.zeros((hop, 2), np.float32)  # shared by all hops, so never written to
        self._silence.flags.writeable = False

    def render(self, index: int) -> FloatArray:
        return self._silence
