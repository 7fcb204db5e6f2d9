"""The noise vector of Deep Music Visualizer (Siegelman, 2019) and Deep Music Video: a reflecting walk driven by sound.

Live and causal: running maxima instead of the song's, a backward difference, every rate in seconds. At one step for each
512 samples of 22,050 Hz it is the original, number for number, given the same normalised gradient and power.
"""

import math

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.mover import Mover

FRAME_S = 512 / 22050  # the original's step
KEPT = 0.75  # of the last step, each original frame: u = (u + 3 u_last) / 4
REDRAW_FRAMES = 200
MAXIMUM_DECAY_S = 60.0
QUIETEST = 0.05  # maxima never fall below: silence is not amplified


@register("mover", "deep_music")
class DeepMusic(Mover):
    """Sets z: each dimension moves at a speed given by spectral gradient plus power, and turns back at twice the truncation.

    |z| <= 2 truncation + 2.25 tempo_sensitivity always.
    """

    tempo_sensitivity = Param(0.25, low=0.05, high=0.8, curve="exp", doc="Step of z for gradient + power of 1, each 23.2 ms.")
    jitter = Param(0.5, doc="How differently the dimensions move: every 4.6 s each draws a speed of 1 or 1 - jitter.")
    truncation = Param(1.0, low=0.1, high=1.0, doc="Half of where the walk turns back.")

    def seed(self, rng: Rng) -> None:
        self._rng = rng
        draws = rng.normals(0, self.size)
        for again in range(1, 100):  # a normal distribution cut at +-2
            outside = np.abs(draws) > 2.0
            if not outside.any():
                break
            draws[outside] = rng.normals(again, self.size)[outside]
        self._z = np.clip(draws, -2.0, 2.0) * np.float32(self.truncation)
        self._direction = np.where(self._z < 0.0, 1.0, -1.0).astype(np.float32)
        self._step = np.zeros(self.size, np.float32)
        self._frames = 0.0
        self._drawn = -1
        self._maxima = [QUIETEST, QUIETEST]

    def step(self, z: FloatArray, context: TickContext) -> None:
        frames = context.dt_s / FRAME_S
        redraw = math.floor((self._frames + 1e-6) / REDRAW_FRAMES)
        if redraw != self._drawn:
            self._drawn = redraw
            self._slow = self._rng.units(1000 + redraw, self.size) < 0.5
        self._frames += frames
        values = context.features.values
        level = values.get("level", 0.0)
        power = 10.0 ** (4.0 * (level - 1.0)) if level > 0.0 else 0.0  # level spans 40 dB
        speed = (self._normalised(0, values.get("gradient", 0.0), context) + self._normalised(1, power, context)) * context.audio
        tau, limit = self.tempo_sensitivity, 2.0 * self.truncation
        pace = np.where(self._slow, 1.0 - self.jitter, 1.0)
        kept = KEPT**frames
        self._step *= np.float32(kept)
        self._step += np.float32((1.0 - kept) * tau * speed) * self._direction * pace.astype(np.float32)
        self._z += self._step * np.float32(frames)
        self._direction[self._z >= limit - tau] = -1.0
        self._direction[self._z < -limit + tau] = 1.0
        z[:] = self._z

    def _normalised(self, which: int, x: float, context: TickContext) -> float:
        decayed = self._maxima[which] * math.exp(-context.dt_s / MAXIMUM_DECAY_S)
        self._maxima[which] = max(x, decayed, QUIETEST)
        return x / self._maxima[which]
