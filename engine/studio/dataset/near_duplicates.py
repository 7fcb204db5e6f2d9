"""Near-duplicates: pictures that look alike though their files differ (resaved, rescaled, slightly cropped or regraded).

A picture's print is 64 bits: which of the lowest 8x8 cosine coefficients of a 32x32 grey version lie above their median
(DCT perceptual hash: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).
"""

import numpy as np
from PIL import Image

NEAR = 6  # bits of 64: resaved copies differ in 0 to 4, unrelated photographs in about 32
_SIDE = 32
_COSINES = np.cos(np.pi / _SIDE * np.outer(np.arange(8), np.arange(_SIDE) + 0.5))  # (8,32)
_ONES = np.array([bin(i).count("1") for i in range(1 << 16)], np.uint8)


def fingerprint(picture: Image.Image) -> int:
    """The picture's print."""
    grey = np.asarray(picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), np.float64)  # (32,32)
    low = (_COSINES @ grey @ _COSINES.T).ravel()  # (64,)
    low[0] = 0  # the mean brightness says nothing
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


class Prints:
    """Prints in the order they came, searched for a near one."""

    def __init__(self) -> None:
        self._prints = np.empty(1024, np.uint64)
        self._count = 0

    def add(self, found: int) -> None:
        if self._count == len(self._prints):
            self._prints = np.concatenate([self._prints, np.empty_like(self._prints)])
        self._prints[self._count] = found
        self._count += 1

    def nearest(self, found: int) -> tuple[int, int] | None:
        """(which of those added, bits that differ) of the nearest, or None when none is as near as NEAR."""
        if not self._count:
            return None
        differing = self._prints[: self._count] ^ np.uint64(found)  # (N,)
        distances = _ONES[differing.view(np.uint16)].reshape(-1, 4).sum(1, dtype=np.int64)
        best = int(distances.argmin())
        return (best, int(distances[best])) if distances[best] <= NEAR else None
