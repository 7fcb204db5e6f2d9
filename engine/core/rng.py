"""Random numbers that are a function of (seed, name, index), so that a performance can be replayed and joined anywhere.

The scalar draw is SplitMix64 (Steele, Lea and Flood, 2014), vectors are Philox (Salmon et al., 2011): both counter-based.
"""

import hashlib

import numpy as np

from engine.core.types import FloatArray

_MASK = (1 << 64) - 1


class Rng:
    """One stream of draws, named. Stateless: the same index always gives the same number."""

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
        self._key = int.from_bytes(digest, "little")
        self._start = self._key & _MASK

    def unit(self, index: int) -> float:
        """A number in 0..1, one excluded."""
        mixed = (self._start + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) >> 11) * 2.0**-53

    def normals(self, index: int, size: int) -> FloatArray:
        """`size` draws of N(0, 1)."""
        return self._vector(index).standard_normal(size, dtype=np.float32)

    def units(self, index: int, size: int) -> FloatArray:
        """`size` draws in 0..1."""
        return self._vector(index).random(size, dtype=np.float32)

    def _vector(self, index: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self._key, counter=(index & _MASK) << 192))
