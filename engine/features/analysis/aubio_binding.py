"""The one place where aubio is used: a fast Fourier transform and the YIN pitch tracker, typed."""

import aubio
import numpy as np

from engine.core.types import FloatArray


class Transform:
    """Magnitudes of the real Fourier transform of `size` samples (a power of two)."""

    def __init__(self, size: int) -> None:
        self._fft = aubio.fft(size)

    def __call__(self, samples: FloatArray) -> FloatArray:
        """(size,) -> (size / 2 + 1,); the answer is overwritten by the next call."""
        norm: FloatArray = self._fft(samples).norm
        return norm


class Yin:
    """Fundamental frequency by the YIN algorithm (de Cheveigné and Kawahara 2002), fast form."""

    def __init__(self, window: int, hop: int, rate_hz: int) -> None:
        self._yin = aubio.pitch("yinfast", window, hop, rate_hz)
        self._yin.set_unit("Hz")
        self._yin.set_tolerance(0.15)

    def __call__(self, samples: FloatArray) -> tuple[float, float]:
        """(hop,) -> frequency in Hz (0: none) and confidence 0..1."""
        hertz = float(self._yin(samples)[0])
        confidence = float(self._yin.get_confidence())
        return (hertz if np.isfinite(hertz) else 0.0), (min(max(confidence, 0.0), 1.0) if np.isfinite(confidence) else 0.0)
