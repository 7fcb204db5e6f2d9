"""Smooth noise along one axis: independent normal knots joined by Catmull-Rom curves (the value noise of textures)."""

import math

import numpy as np

from engine.core.rng import Rng
from engine.core.types import FloatArray


class NoiseField:
    """A vector of N(0, 1) draws at every whole number, and a smooth way between."""

    def __init__(self, rng: Rng, size: int) -> None:
        self._rng, self._size = rng, size
        self._first: int | None = None
        self._knots = np.zeros((4, size), np.float32)

    def at(self, phase: float) -> FloatArray:
        """The vector (size,) at `phase`, which has any sign."""
        whole = math.floor(phase)
        if whole != self._first:
            self._first = whole
            self._knots = np.stack([self._rng.normals(whole + k, self._size) for k in (-1, 0, 1, 2)])
        t = phase - whole
        weights = np.array(
            [
                ((2.0 - t) * t - 1.0) * t / 2.0,
                ((3.0 * t - 5.0) * t * t + 2.0) / 2.0,
                ((4.0 - 3.0 * t) * t + 1.0) * t / 2.0,
                (t - 1.0) * t * t / 2.0,
            ],
            np.float32,
        )
        return weights @ self._knots
