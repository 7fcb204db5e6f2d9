"""Any number of channels to two, by what each is; full scale in all of them is still full scale."""

from collections.abc import Sequence

import numpy as np

from engine.core.types import FloatArray

SIDE = 0.5**0.5  # 3 dB down
# ITU-R BS.775: centre and surrounds 3 dB down; the sub is left out, as there. By FFmpeg's names of channels.
GAINS = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (SIDE, SIDE),
    "LFE": (0.0, 0.0),
    "LFE2": (0.0, 0.0),
    "BL": (SIDE, 0.0),
    "BR": (0.0, SIDE),
    "SL": (SIDE, 0.0),
    "SR": (0.0, SIDE),
    "BC": (0.5, 0.5),
    "FLC": (1.0, 0.0),
    "FRC": (0.0, 1.0),
    "WL": (1.0, 0.0),
    "WR": (0.0, 1.0),
    "DL": (1.0, 0.0),
    "DR": (0.0, 1.0),
    "TFL": (SIDE, 0.0),
    "TFR": (0.0, SIDE),
    "TBL": (SIDE, 0.0),
    "TBR": (0.0, SIDE),
    "TSL": (SIDE, 0.0),
    "TSR": (0.0, SIDE),
    "TC": (0.5, 0.5),
    "TFC": (0.5, 0.5),
    "TBC": (0.5, 0.5),
}
# What is meant where a file says nothing (Microsoft's order, as FFmpeg guesses it). Nothing is left out of a guess: what would
# be the sub may be a stem.
USUAL = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "FC", "BL", "BR"),
    7: ("FL", "FR", "FC", "FC", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "FC", "BL", "BR", "SL", "SR"),
}


def to_stereo(block: FloatArray, names: Sequence[str] = ()) -> FloatArray:
    """A block (n, channels) as (n, 2), by the channels' names, else by their usual order.

    Mono is on both sides; so are more than eight channels without names (stems), alike.
    """
    channels = block.shape[1]
    if channels == 1:
        return np.repeat(block, 2, axis=1)
    if channels == 2:
        return block.copy()
    known = names if len(names) == channels and all(name in GAINS for name in names) else USUAL.get(channels)
    matrix = np.array([GAINS[name] for name in known] if known else [(1.0, 1.0)] * channels, np.float32)
    matrix /= max(1.0, float(matrix.sum(axis=0).max()))
    return np.asarray(block @ matrix, np.float32)
