"""A word for what a slider does, told from pictures before and after: it moves them, or changes their light, or is none of these.

How much of a change each word explains is the share of its energy that lies along the change that the word would make: for
movements the slope of the picture along the flow (Lucas and Kanade, 1981), for the rest a field of colour.
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 32  # pixels a side of the pictures that are looked at
LEAST = 0.12  # of a change; a word that explains less is not used
STEADY = 0.5  # 0..1: light that goes up in one picture and down in the next is no slider of light
OTHERWISE = "morph"  # into another picture
MOVEMENTS = ("pan", "tilt", "zoom", "roll")

_Array = NDArray[np.float32]


def change_of(before: _Array, after: _Array) -> tuple[str, float]:
    """The word for the change of pictures (n,S,S,3) in 0..1, and 1 or -1: whether there is more or less of it."""
    change = (after - before).astype(np.float64)
    energy = (change**2).sum() + 1e-12
    best, most, sign = OTHERWISE, LEAST, 1.0
    for word, field in _fields((before + after).astype(np.float64) / 2).items():
        along = (change * field).sum((1, 2, 3))  # (n,)
        share = float((along**2 / ((field**2).sum((1, 2, 3)) + 1e-12)).sum() / energy)
        steady = abs(along.sum()) / (np.abs(along).sum() + 1e-12)
        if share > most and (word in MOVEMENTS or steady > STEADY):
            best, most, sign = word, share, 1.0 if along.sum() >= 0 else -1.0
    return best, sign


def _fields(pictures: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What each word would add to pictures (n,S,S,3)."""
    axis = (np.arange(pictures.shape[1]) + 0.5) * 2 / pictures.shape[1] - 1
    v, u = (a[None, ..., None] for a in np.meshgrid(axis, axis, indexing="ij"))
    down, right = np.gradient(pictures, axis=(1, 2))
    even = np.ones_like(pictures)
    return {
        "pan": -right,
        "tilt": -down,
        "zoom": -(right * u + down * v),
        "roll": right * v - down * u,
        "brightness": even,
        "warmth": even * [1, 0, -1],
        "green": even * [-0.5, 1, -0.5],
        "contrast": pictures - pictures.mean((1, 2, 3), keepdims=True),
        "colour": pictures - pictures.mean(3, keepdims=True),
        "sky": -even * v,  # light above
    }
