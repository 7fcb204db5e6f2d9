"""Cosmos: drawn star fields and nebulae, and public-domain nebula photographs set into them."""

import numpy as np
from scipy import ndimage

from tools.data.noise import Array, cloud, film, ramp, warp

GASES = [
    ["000000", "1b0b3a", "6a1b7a", "e0567a", "ffd0a8"], ["000000", "04203a", "0f6a8a", "5fd0d0", "f0fff0"],
    ["000000", "300a10", "a02030", "ff7050", "ffe0b0"], ["000000", "0a1040", "3050c0", "a0a0ff", "ffffff"],
    ["000000", "201004", "805020", "e0b060", "fff4d0"], ["000000", "082018", "208060", "90e0a0", "fffff0"],
]  # fmt: skip


def stars(rng: np.random.Generator, height: int, width: int, density: float) -> Array:
    """A star field (H,W,3): power-law brightness, black-body tints, a few with diffraction spikes."""
    s = height / 288
    light = np.zeros((height, width, 3), np.float32)
    n = int(900 * density)
    tints = np.array([[1, 0.8, 0.6], [1, 0.95, 0.9], [0.8, 0.9, 1], [0.65, 0.8, 1]], np.float32)[rng.integers(0, 4, n)]
    bright = np.minimum(0.25 * rng.pareto(1.3, n) + 0.08, 6)
    ys, xs = rng.integers(0, height, n), rng.integers(0, width, n)
    np.add.at(light, (ys, xs), tints * bright[:, None].astype(np.float32))
    light = (
        ndimage.gaussian_filter(light, (0.75 * s, 0.75 * s, 0)) * 5.5 * s * s
        + ndimage.gaussian_filter(light, (2.5 * s, 2.5 * s, 0)) * 5 * s * s
    )
    for i in np.argsort(bright)[-int(rng.integers(1, 5)) :]:
        ax, ay = np.abs(np.arange(width) - xs[i]) / s, np.abs(np.arange(height) - ys[i]) / s
        spike = np.exp(-ay[:, None] / 9) * np.exp(-((ax[None] / 0.7) ** 2)) + np.exp(-ax[None] / 9) * np.exp(
            -((ay[:, None] / 0.7) ** 2)
        )
        light += 0.7 * spike[..., None] * tints[i] + 0.5 * np.exp(-np.hypot(ay[:, None], ax[None]) / 4)[..., None] * tints[i]
    return light


def nebula(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """Two lit gases and a dark dust lane, warped by each other: (H,W,3)."""
    s = height / 288
    dy, dx = (cloud(rng, height, width, 3.2, 1.0) * rng.uniform(15, 40) * s for _ in range(2))
    picks = (turn % len(GASES), (turn + int(rng.integers(1, len(GASES)))) % len(GASES))
    shape = cloud(rng, height, width, 4.0, 0.9)
    light = np.zeros((height, width, 3), np.float32)
    for k, gas in enumerate(picks):
        f = warp(cloud(rng, height, width, 2.7, 1.2), dy, dx)
        wisps = 1 - np.abs(warp(cloud(rng, height, width, 2.5, 2.5), dx, dy))
        density = np.clip(0.20 + 0.22 * f + 0.26 * shape * (1 if k == 0 else -0.6), 0, 1.2) * (
            0.6 + 0.5 * np.clip(wisps, -0.3, 1)
        )
        light += ramp(np.clip(density * 1.25, 0, 1), GASES[gas]) * (0.9 if k == 0 else 0.7)
    dust = 1 / (1 + np.exp(-5 * (warp(cloud(rng, height, width, 2.6, 1.5), dy, dx) - 0.6)))
    return np.asarray(light * (1 - 0.8 * dust[..., None]), np.float32)


def draw(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """One drawn sky (H,W,3) in 0..1; `turn` chooses the first gas."""
    return film(nebula(rng, height, width, turn) * rng.uniform(1.0, 1.5) + stars(rng, height, width, rng.uniform(0.5, 1.4)))


def set_in_stars(photograph: Array, rng: np.random.Generator, height: int, width: int) -> Array:
    """A photograph of one object (S,S,3) laid over drawn stars and a faint drawn nebula, so that no black frame shows."""
    size = photograph.shape[0]
    zoom = width * 1.0 / size
    h, w = (round(size * zoom),) * 2
    big = ndimage.zoom(photograph, (zoom, zoom, 1), order=1 if zoom < 1 else 3)[:h, :w]
    top = (big.shape[0] - height) // 2
    big = np.clip(big[top : top + height, :width], 0, 1)
    back = 0.5 * nebula(rng, height, width, int(rng.integers(len(GASES)))) + 0.8 * stars(rng, height, width, 0.7)
    luma = ndimage.gaussian_filter(big.mean(-1), 6)[..., None]
    light = -np.log(np.maximum(1 - np.minimum(big**0.85 * 1.15, 0.985), 1e-3)) / 1.4  # so that film() gives the photograph back
    return film(np.asarray(light + back * np.exp(-luma * 7), np.float32))
