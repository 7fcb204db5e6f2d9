"""Lava, drawn: crust plates with glowing seams, rivers and boiling fields."""

import numpy as np
from scipy.spatial import cKDTree

from tools.data.noise import Array, bloom, cloud, film, ramp, relief, warp

HEAT = ["000000", "1a0200", "5a0a00", "b82000", "ff5a08", "ffa82a", "ffe890"]


KINDS = ("plates", "boil", "river", "plates")


def draw(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """One picture (H,W,3) in 0..1; `turn` counts through KINDS."""
    kind = KINDS[turn % len(KINDS)]
    s = height / 288
    dy, dx = (cloud(rng, height, width, 3.2) * rng.uniform(8, 26) * s for _ in range(2))
    rock = cloud(rng, height, width, 2.6, 3) + 0.25 * cloud(rng, height, width, 1.8, 24)
    pulse = cloud(rng, height, width, 3.0, 1.0)
    if kind == "plates":
        n = int(rng.integers(14, 70))
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        pts = rng.uniform(0, 1, (n, 2)) * (height, width * 1.0)
        shifts = np.array([(i * height, j * width) for i in (-1, 0, 1) for j in (-1, 0, 1)], float)
        tree = cKDTree((pts[None] + shifts[:, None]).reshape(-1, 2))
        d, _ = tree.query(np.stack([(y + dy).ravel(), (x + dx).ravel()], -1), k=2)
        gap = ((d[:, 1] - d[:, 0]).reshape(height, width) / s).astype(np.float32)
        wide = np.exp(0.8 * pulse) * rng.uniform(2.5, 6)
        heat = np.exp(-gap / wide) * 1.05 + 0.25 * np.exp(-gap / (4 * wide))
        rock = rock + 0.04 * np.minimum(gap, 25)
    elif kind == "river":
        base = warp(cloud(rng, height, width, 2.9, 1.6, stretch=rng.uniform(0.5, 2.2)), dy * 1.6, dx * 1.6)
        ridge = 1 - np.abs(base) * rng.uniform(1.1, 1.9)
        fine = 1 - np.abs(warp(cloud(rng, height, width, 2.8, 4), dx, dy)) * 3.0
        heat = np.clip(ridge, 0, 1) ** 2.6 + 0.45 * np.clip(fine, 0, 1) ** 4 * (pulse > -0.3)
        rock = rock - 1.2 * np.clip(ridge, 0, 1)
    else:
        base = warp(cloud(rng, height, width, 3.0, 1.2), dy * 2, dx * 2)
        crust = warp(cloud(rng, height, width, 2.9, 2.5), dy, dx)
        heat = np.clip(0.62 + 0.30 * base, 0, 1.0) * (1 - 0.93 / (1 + np.exp(-5 * (crust + 0.25))))
    heat = np.clip(heat * (0.95 + 0.30 * pulse) + 0.03 * rock - 0.05, 0, 1.1).astype(np.float32)
    stone = relief(rock.astype(np.float32), 1.1 / s, rng.uniform(-2.6, -0.5))[..., None]
    tint = np.array([[0.20, 0.17, 0.17], [0.24, 0.19, 0.16], [0.15, 0.16, 0.20]])[rng.integers(3)]
    body = stone**1.5 * tint * (1 - np.clip(heat * 1.6, 0, 1))[..., None]
    light = ramp(heat / 1.15, HEAT) ** 1.1 * 1.25
    glow = bloom(light, 5 * s, 0.75) - light
    return film(np.asarray(body + light + glow * (0.5 + 0.9 * stone), np.float32) * 1.15)
