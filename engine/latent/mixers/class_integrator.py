"""The class vector of Deep Music Visualizer (Siegelman, 2019) and Deep Music Video: classes that follow pitch classes.

Live and causal: the pairing of pitches with classes follows a slowly forgetting mean of the chroma and swaps one pair a bar at
most; the contrast stretch has smoothed ends, for stretching each frame by itself flickers; bins are ramped one bin late. The
original's `depth` scales the whole vector, which a y that sums to 1 cannot carry, so it is not offered.
"""

import math
from collections.abc import Sequence

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.classes import ClassMixer
from engine.latent.movers.deep_music import FRAME_S

PITCHES = 12
MEAN_S = 30.0  # how long the pairing remembers
STRETCH_S = 1.0
LEAD = 1.25  # a pitch must have this much more of the mean to take a better class


@register("mixer", "class_integrator")
class ClassIntegrator(ClassMixer):
    """One leaky integrator a class, fed by the pitch class of its rank; contrast-stretched, smoothed, summing to 1."""

    pitch_sensitivity = Param(220.0, low=1.0, high=299.0, doc="How fast classes follow pitch: 2.33 s at 200, 33 ms at 299.")
    smooth_factor = Param(20, low=1, high=30, unit="frames", doc="Length of the averaging bins, in frames of 23.2 ms.")
    sharpen = Param(1.0, low=1.0, high=8.0, curve="exp", doc="Power of the weights: 1 is the original, above it one class leads.")
    notes = Param(True, doc="Notes held on a MIDI keyboard choose the classes, in place of the sound's pitches.")
    num_classes = Param(12, low=1, high=12, doc="How many of the patch's classes are in play.")

    def seed(self, rng: Rng) -> None:
        self._c = np.zeros(PITCHES)
        self._mean = np.zeros(PITCHES)
        self.order = list(range(PITCHES))  # rank -> pitch class
        self._heard_s = 0.0
        self._low, self._high = 0.0, 0.0
        self._bin_s = 0.0
        self._sum = np.zeros(PITCHES)
        self._from = self._to = np.zeros(PITCHES)

    def turn_to(self, palette: Sequence[int], fade_s: float) -> None:
        self.palette = tuple(palette)

    def step(self, context: TickContext) -> FloatArray:
        dt_s = context.dt_s
        n = min(int(self.num_classes), len(self.palette), PITCHES)
        heard = self._pitches(context)
        self._rank(heard, context)
        period = 300.0 - self.pitch_sensitivity  # P = (300 - PS) frames
        kept = (period / (period + 1.0)) ** (dt_s / FRAME_S)
        self._c[:n] = kept * self._c[:n] + (1.0 - kept) * heard[self.order[:n]]
        self._c[n:] = 0.0
        smooth = self._smooth(self._stretched(n, dt_s), dt_s)
        smooth = np.maximum(smooth, 0.0) ** self.sharpen
        y = np.zeros(len(self.weights), np.float32)
        for rank in range(n):
            y[self.palette[rank]] = smooth[rank] * float(self.weights[self.palette[rank]].value)  # type: ignore[arg-type]
        total = float(y.sum())
        if total < 1e-6:
            y[self.palette[0]] = total = 1.0  # the original adds 0.01 to the first of equals
        return y / np.float32(total)

    def _pitches(self, context: TickContext) -> np.ndarray:
        """What is played, or else what is heard: (12,)."""
        vectors = context.features.vectors
        played = vectors.get("midi/chroma")
        if played is not None and self.notes and played.any():
            return np.asarray(played, np.float64)
        chroma = vectors.get("chroma")
        return np.zeros(PITCHES) if chroma is None else np.asarray(chroma, np.float64) * context.audio

    def _rank(self, heard: np.ndarray, context: TickContext) -> None:
        """Pitch classes by falling mean: sorted freely for the first two seconds of sound, then one swap a bar."""
        self._mean += (heard - self._mean) * (1.0 - math.exp(-context.dt_s / MEAN_S))
        if self._heard_s < 2.0:
            if heard.any():
                self._heard_s += context.dt_s
                self.order = sorted(range(PITCHES), key=lambda pitch: -self._mean[pitch])
        elif context.bar_now:
            for rank in range(PITCHES - 1):
                upper, lower = self.order[rank], self.order[rank + 1]
                if self._mean[lower] > LEAD * self._mean[upper]:
                    self.order[rank], self.order[rank + 1] = lower, upper
                    break

    def _stretched(self, n: int, dt_s: float) -> np.ndarray:
        c = self._c[:n]
        top = float(c.max())
        share = 1.0 - math.exp(-dt_s / STRETCH_S)
        self._high = top if top > self._high else self._high + (top - self._high) * share
        positive = c[c > 0.0]
        bottom = float(positive.min()) if n > 6 and len(positive) > 1 else 0.0
        self._low += (bottom - self._low) * share
        span = self._high - self._low
        stretched = np.zeros(PITCHES)
        if span > 1e-9:
            stretched[:n] = np.clip((c - self._low) / span, 0.0, 1.0)
        return stretched

    def _smooth(self, weights: np.ndarray, dt_s: float) -> np.ndarray:
        """Means over bins, joined by ramps, one bin late."""
        length_s = self.smooth_factor * FRAME_S
        self._sum += weights * dt_s
        self._bin_s += dt_s
        if self._bin_s >= length_s - 1e-9:
            self._from, self._to = self._to, self._sum / self._bin_s
            self._sum, self._bin_s = np.zeros(PITCHES), 0.0
        t = self._bin_s / length_s
        return self._from + (self._to - self._from) * t  # type: ignore[no-any-return]
