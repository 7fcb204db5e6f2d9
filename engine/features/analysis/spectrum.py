"""Cleans a hop of sound and turns it into the one spectrum and the one low-rate signal that all features share."""

import numpy as np

from engine.core.types import FloatArray
from engine.features.analysis.aubio_binding import Transform
from engine.features.analysis.feature import Format, Hop

WINDOW_S = 0.0213  # 1024 samples at 48 kHz
FALL = 0.15  # share of the window that lies behind its peak: a late peak sees a hit one hop earlier
LOW_FACTOR = 4  # the low-rate signal: 12 kHz at 48 kHz
LOW_S = 0.342  # how much of it is kept: 4096 samples at 12 kHz
DC_TAU_S = 0.05
CEILING = 8.0  # 18 dB above full scale; more is a fault
FLOOR = np.float32(1e-9)  # keeps denormals out of every filter and transform


def late_window(size: int, fall: float = FALL) -> FloatArray:
    """A Hann-like window whose peak lies `fall` of its length before its end."""
    behind = round(size * fall)
    rise = np.sin(np.linspace(0.0, np.pi / 2, size - behind, endpoint=False)) ** 2
    return np.concatenate([rise, np.cos(np.linspace(0.0, np.pi / 2, behind)) ** 2]).astype(np.float32)


def power_of_two(samples: float) -> int:
    """The power of two nearest to `samples`."""
    return int(2 ** round(np.log2(samples)))


class Spectrum:
    """Spectrum analyser of one input. Bad samples (NaN, infinity, beyond the ceiling, DC) are gone afterwards."""

    def __init__(self, form: Format) -> None:
        self.format = form
        self.size = max(power_of_two(form.rate_hz * WINDOW_S), 2 * form.size)
        self._window = late_window(self.size)
        self._transform = Transform(self.size)
        self._scale = np.float32(2.0 / self._window.sum())
        # Polyphase low-pass: a windowed sinc at 0.42 of the low rate.
        taps = 16 * LOW_FACTOR
        place = np.arange(taps) - (taps - 1) / 2
        fir = np.sinc(place * 0.84 / LOW_FACTOR) * np.hanning(taps + 2)[1:-1]
        self._fir = (fir / fir.sum()).astype(np.float32)
        self._ramp = (np.arange(1, form.size + 1) / form.size).astype(np.float32)
        self._pole = form.pole(DC_TAU_S)
        self.reset()

    def reset(self) -> None:
        """Forget the sound heard so far."""
        self._samples = np.zeros(self.size, np.float32)
        self._windowed = np.zeros(self.size, np.float32)
        self._magnitude = np.zeros(self.size // 2 + 1, np.float32)
        self._clean = np.zeros(self.format.size, np.float32)
        self._low = np.zeros(power_of_two(self.format.rate_hz / LOW_FACTOR * LOW_S), np.float32)
        self._dc = 0.0

    def step(self, samples: FloatArray, number: int) -> Hop:
        """The next hop. Raises ValueError if `samples` is not (hop,)."""
        size = self.format.size
        if samples.shape != (size,):
            raise ValueError(f"expected a hop of shape ({size},); got {samples.shape}")
        clean = self._clean
        clean[:] = samples
        top = float(np.abs(clean).max())
        if not top <= CEILING:  # also true of NaN
            np.nan_to_num(clean, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            np.clip(clean, -CEILING, CEILING, out=clean)
        before = self._dc
        self._dc += (float(clean.mean()) - before) * self._pole
        clean -= self._ramp * np.float32(self._dc - before) + (np.float32(before) + FLOOR)

        self._samples[:-size] = self._samples[size:]
        self._samples[-size:] = clean
        np.multiply(self._samples, self._window, out=self._windowed)
        np.multiply(self._transform(self._windowed), self._scale, out=self._magnitude)

        few = size // LOW_FACTOR
        self._low[:-few] = self._low[few:]
        span = self._samples[-(size - LOW_FACTOR + self._fir.size) :]
        self._low[-few:] = (
            np.lib.stride_tricks.as_strided(span, (few, self._fir.size), (span.strides[0] * LOW_FACTOR, span.strides[0]))
            @ self._fir
        )
        return Hop(number, (number + 1) * self.format.period_s, self._magnitude, self._low)
