"""The dominant colours of a small picture, which keep their places from one picture to the next.

k-means (Lloyd 1982) in Oklab (Ottosson 2020), where distances are what an eye sees, begun each time where it ended the last:
so it needs few rounds, and lights that follow a place do not jump. Nothing is random.
"""

import numpy as np
from numpy.typing import NDArray

from engine.core.types import ByteArray, FloatArray

Colour = tuple[float, float, float]

COLOURS = 5
BLACK: Colour = (0.0, 0.0, 0.0)
ROUNDS = 2  # of k-means a picture; the pictures between two glances carry it on
APART = 0.1  # Oklab distance from all others at which a colour is one of its own; black to white is 1
ALIKE = 0.08  # at which two have become one
COME, GO = 0.04, 0.015  # shares of the picture at which a colour is taken and dropped; an edge is not one
SETTLE = 0.3  # how far the shares move to those of a new picture
OVERTAKE, MARGIN = 1.2, 0.01  # a colour passes another only when it is clearly commoner

TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                   [0.0883024619, 0.2817188376, 0.6299787005]], np.float32)  # fmt: skip
TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                   [0.0259040371, 0.7827717662, -0.8086757660]], np.float32)  # fmt: skip
FROM_LAB, FROM_LMS = np.linalg.inv(TO_LAB), np.linalg.inv(TO_LMS)
_CODES = np.arange(256) / 255.0
LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)


class Palette:
    """Call `step` with each picture. `colours` are five, commonest first; a picture of fewer repeats them in turn."""

    def __init__(self) -> None:
        self.colours: tuple[Colour, ...] = (BLACK,) * COLOURS
        self._centres: FloatArray = np.zeros((0, 3), np.float32)  # (K, 3) Oklab, in the order shown
        self._shares: FloatArray = np.zeros(0, np.float32)  # (K,)

    def step(self, picture: ByteArray) -> tuple[Colour, ...]:
        """The colours after one more picture, (H, W, 4 or 3) sRGB."""
        points = oklab(picture[..., :3].reshape(-1, 3))  # (N, 3)
        centres, shares = self._centres, self._shares
        if not len(centres):
            centres, shares = points.mean(0, keepdims=True), np.zeros(1, np.float32)
        for _ in range(ROUNDS):
            centres, _ = _moved(points, centres)
        while len(centres) < COLOURS:
            far = _nearest(points, centres)[1]
            if np.count_nonzero(far > APART * APART) < COME * len(points):
                break
            centres = np.vstack([centres, points[far.argmax()]])
            shares = np.append(shares, np.float32(0.0))
            for _ in range(ROUNDS):
                centres, _ = _moved(points, centres)
        centres, now = _moved(points, centres)
        shares = np.where(shares > 0.0, shares + SETTLE * (now - shares), now)
        keep = now >= GO
        self._centres, self._shares = _ordered(*_joined(centres[keep], shares[keep]))
        found = srgb(_cores(points, self._centres))
        self.colours = tuple(found[index % len(found)] for index in range(COLOURS))
        return self.colours


def oklab(codes: ByteArray) -> FloatArray:
    """(N, 3) sRGB bytes to (N, 3) Oklab."""
    lab: FloatArray = np.cbrt(LINEAR[codes] @ TO_LMS.T) @ TO_LAB.T
    return lab


def srgb(lab: FloatArray) -> list[Colour]:
    """(K, 3) Oklab to sRGB colours of 0..1."""
    linear = np.clip((lab @ FROM_LAB.T) ** 3 @ FROM_LMS.T, 0.0, 1.0)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return [(float(red), float(green), float(blue)) for red, green, blue in np.clip(coded, 0.0, 1.0)]


def _nearest(points: FloatArray, centres: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """For each point (N, 3) the number of the nearest centre and the squared distance to it."""
    squares = (points * points).sum(1)[:, None] - 2.0 * (points @ centres.T) + (centres * centres).sum(1)  # (N, K)
    index = squares.argmin(1)
    return index, squares[np.arange(len(points)), index]


def _moved(points: FloatArray, centres: FloatArray) -> tuple[FloatArray, FloatArray]:
    """One round: centres (K, 3) at the means of their points, and the shares (K,) of points that they have."""
    index, _ = _nearest(points, centres)
    belongs = (index == np.arange(len(centres))[:, None]).astype(np.float32)  # (K, N)
    counts = belongs.sum(1)
    means = belongs @ points / np.maximum(counts, 1.0)[:, None]
    return np.where(counts[:, None] > 0.0, means, centres), counts / np.float32(len(points))


def _cores(points: FloatArray, centres: FloatArray) -> FloatArray:
    """Centres (K, 3) without what lies far from them: the mixed colours of an edge make no light muddy."""
    index, far = _nearest(points, centres)
    belongs = ((index == np.arange(len(centres))[:, None]) & (far < APART * APART)).astype(np.float32)  # (K, N)
    counts = belongs.sum(1)[:, None]
    cores: FloatArray = np.where(counts > 0.0, belongs @ points / np.maximum(counts, 1.0), centres)
    return cores


def _joined(centres: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pairs that have become alike are one, in the place of the one before."""
    while len(centres) > 1:
        gaps = np.square(centres[:, None] - centres).sum(2)
        gaps[np.tril_indices(len(centres))] = np.inf
        first, second = divmod(int(gaps.argmin()), len(centres))
        if gaps[first, second] > ALIKE * ALIKE:
            break
        weights = shares[[first, second], None]
        centres[first] = (centres[[first, second]] * weights).sum(0) / weights.sum()
        shares[first] += shares[second]
        centres, shares = np.delete(centres, second, 0), np.delete(shares, second)
    return centres, shares


def _ordered(centres: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Commonest first, but nothing passes what it is hardly commoner than."""
    order = list(range(len(shares)))
    for _ in order:
        for place in range(len(order) - 1):
            before, after = order[place], order[place + 1]
            if shares[after] > OVERTAKE * shares[before] + MARGIN:
                order[place], order[place + 1] = after, before
    return centres[order], shares[order]
