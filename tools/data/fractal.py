"""Fractals, drawn: Julia sets, Mandelbrot depths, orbit traps; palettes chosen by hand.

Colour follows the smooth escape count (a continuous potential) and the distance estimate, which lights the filaments and
fades what would be finer than a pixel (Peitgen and Saupe, The Science of Fractal Images, 1988).
"""

import numpy as np

from tools.data.noise import Array, film, ramp

PALETTES = [
    ["05060f", "0b1f4a", "1f6f8b", "9fd8cb", "fff4d6", "f2a65a", "7a2e1d", "05060f"],
    ["0a0212", "3c0a4f", "a11d6c", "ff6f61", "ffd39b", "fff7e6", "5b2a86", "0a0212"],
    ["02110d", "06402f", "1f8a5b", "a8e063", "f7ffd6", "e0a82e", "6b3d0c", "02110d"],
    ["000814", "023e8a", "00b4d8", "caf0f8", "ffffff", "90e0ef", "0077b6", "000814"],
    ["0d0505", "4a0d0d", "b3261e", "ff8c42", "ffe8a3", "ffffff", "b56576", "0d0505"],
    ["0b0b1e", "27187e", "758bfd", "f1f2f6", "ff8600", "a23b00", "2b0b1e", "0b0b1e"],
    ["04060a", "2f3e46", "84a98c", "f0ead2", "dda15e", "9c4a1a", "28150b", "04060a"],
    ["03001e", "7303c0", "ec38bc", "fdeff9", "00f5d4", "0081a7", "02111b", "03001e"],
]
JULIA = [
    -0.7454294 + 0.0j - 0.11301j, -0.4 - 0.59j, 0.34 - 0.05j, -0.12 + 0.74j, -0.70 + 0.27015j,
    -0.8 + 0.156j, -0.7269 + 0.1889j, -0.4 + 0.6j, 0.285 + 0.01j, -0.835 - 0.2321j, -0.70176 - 0.3842j, 0.355 + 0.355j,
    -0.54 + 0.54j, -0.1 + 0.651j, -0.7885 + 0.05j, 0.37 + 0.1j, -0.194 + 0.6557j, 0.0 + 0.8j, -0.624 + 0.435j,
    -0.74543 + 0.11301j, -0.1607 + 1.0376j, -0.52 + 0.57j, 0.295 + 0.55j, -0.62 - 0.44j, -0.391 - 0.587j,
]  # fmt: skip
DEEP = [
    (-0.7436439 + 0.1318259j, 0.004), (-0.7453 + 0.1127j, 0.012), (-0.7463 + 0.1102j, 0.006), (0.2821 + 0.0101j, 0.02),
    (-0.16 + 1.0405j, 0.03), (-1.25066 + 0.02012j, 0.004), (-0.748 + 0.1j, 0.02), (-0.1011 + 0.9563j, 0.03),
    (-0.5577 - 0.6099j, 0.03), (0.3602 + 0.1003j, 0.02), (-1.7687 + 0.0017j, 0.01), (-0.925 + 0.266j, 0.03),
    (-0.6596 - 0.4505j, 0.015), (-0.0452 - 0.9868j, 0.02),
]  # fmt: skip


def draw(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """One picture (H,W,3) in 0..1; `turn` counts through kinds and palettes."""
    kind = ("julia", "deep", "julia", "deep", "trap")[turn % 5]
    y, x = np.mgrid[0:height, 0:width]
    grid = ((x - width / 2) + 1j * (y - height / 2)) / (height / 2) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    if kind == "deep":
        centre, radius = DEEP[rng.integers(len(DEEP))]
        radius *= np.exp(rng.uniform(-0.8, 0.9))
        z, c, step = np.zeros_like(grid), centre + grid * radius, radius * 2 / height
    else:
        radius = rng.uniform(0.22, 0.9)
        c0 = JULIA[rng.integers(len(JULIA))] * (1 + rng.uniform(-0.006, 0.006))
        z, c, step = (
            grid * radius + rng.uniform(-0.25, 0.25) + 1j * rng.uniform(-0.25, 0.25),
            np.full_like(grid, c0),
            radius * 2 / height,
        )
    turns = 160 if kind == "deep" else 110
    z, c = z.astype(np.complex64), c.astype(np.complex64)
    dz = np.ones_like(z) if kind in ("julia", "trap") else np.zeros_like(z)
    count = np.full(z.shape, np.nan, np.float32)
    distance = np.full(z.shape, np.inf, np.float32)
    trap = np.full(z.shape, 9.0, np.float32)
    angle = np.exp(1j * rng.uniform(0, np.pi))
    extra_inputs = np.ones(z.shape, bool)
    for i in range(turns):
        zl, cl, dl = z[extra_inputs], c[extra_inputs], dz[extra_inputs]
        dl = np.clip(np.abs(dl), 0, 1e15) * np.exp(1j * np.angle(dl)) if i % 8 == 7 else dl  # keeps float32 finite
        dl = 2 * zl * dl + (0 if kind in ("julia", "trap") else 1)
        zl = zl * zl + cl
        r = np.abs(zl)
        if i > 0:
            cross = np.minimum(np.abs((zl * angle).real), np.abs(r - 0.6))
            trap[extra_inputs] = np.minimum(trap[extra_inputs], cross)
        z[extra_inputs], dz[extra_inputs] = zl, dl
        out = r > 60
        where = np.flatnonzero(extra_inputs)[out]
        count.flat[where] = i + 1 - np.log2(np.log(r[out]) / np.log(60.0))
        distance.flat[where] = r[out] * np.log(r[out]) / (np.abs(dl[out]) + 1e-12)
        extra_inputs.flat[where] = False
        if not extra_inputs.any():
            break
    inside = np.isnan(count)
    if inside.mean() > 0.33:  # mostly lake: look elsewhere
        return draw(rng, height, width, turn)
    palette = PALETTES[turn % len(PALETTES)]
    low = np.nanpercentile(count, 2) if not inside.all() else 0.0
    t = np.log1p(np.maximum(np.nan_to_num(count, nan=low) - low, 0))
    if not inside.all():
        rank = np.searchsorted(np.sort(t[~inside]), t) / (~inside).sum()  # equalised, so that no one colour floods the frame
        t = (0.3 * t / (t.max() + 1e-6) + 0.7 * rank) ** 1.5  # the open plane stays dark
    phase = (t * rng.uniform(0.85, 1.4) + rng.uniform(0, 0.07)) % 1.0
    if kind == "trap":
        phase = np.clip(1 - trap * rng.uniform(2.0, 3.6), 0, 1) * 0.55 + 0.12 * np.minimum(t, 1)
    colour = ramp(phase.astype(np.float32), palette)
    edge = np.clip(np.log1p(np.where(np.isfinite(distance), distance, 0) / step) / 2.2, 0, 1)  # 0 on the set, 1 far away
    colour = colour * (0.30 + 0.85 * edge[..., None]) + 0.35 * np.exp(-(edge[..., None] ** 2) * 16) * ramp(
        np.full_like(phase, 0.68), palette
    )
    core = ramp((0.05 + 0.13 * np.exp(-trap * 60)).astype(np.float32), palette) * 0.6
    colour = np.where(inside[..., None], core, colour)
    return film(np.asarray(colour, np.float32) * 1.25)
