"""Drawn night cities and misty conifer forests: layers of silhouettes that fade with distance."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from tools.data.noise import Array, bloom, cloud, film, ramp

DUSKS = [
    ["0b1030", "2a2060", "8a3a80", "f07a60", "ffd090"], ["060a18", "0c2340", "1f5a7a", "70b0b0", "f0e0c0"],
    ["0a0614", "241040", "6a1a6a", "e04080", "ffb070"], ["080c14", "1a2438", "40506a", "8090a0", "d8c8b0"],
    ["02060c", "081a30", "103a60", "2a80b0", "a0e0f0"],
]  # fmt: skip
MISTS = [
    ["0c0a1e", "2a2450", "6a4a86", "e08a8e", "ffe0b8"], ["040c1c", "0e2c50", "2c6090", "86b4d0", "e8f4ff"],
    ["0a2018", "1d4a36", "5a8a6a", "b8d0a8", "f4efd0"], ["08202a", "16485a", "4f8a92", "a8cfc8", "eef4e4"],
    ["1c1608", "3f4a1a", "7f8f3a", "d8c070", "fff0c0"], ["0a1a0c", "1f4a1c", "4f8a34", "a8c86a", "f0f4c0"],
]  # fmt: skip


def city(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """A skyline at dusk or night with lit windows, mirrored in water: (H,W,3) in 0..1; `turn` picks the dusk."""
    s = height / 288
    stops = DUSKS[turn % len(DUSKS)]
    shore = int(height * rng.uniform(0.66, 0.82))
    t = np.linspace(0, 1, shore)[:, None] ** 1.3 + 0.06 * cloud(rng, shore, width, 3.0, 1.5, stretch=3.0)
    sky = ramp(np.asarray(np.clip(t, 0, 1), np.float32), stops)
    canvas = sky.copy()
    lights = np.zeros_like(canvas)
    layers = int(rng.integers(3, 5))
    for k in range(layers):
        near = (k + 1) / layers
        mask = Image.new("L", (width, shore))
        lamp = Image.new("RGB", (width, shore))
        d, dl = ImageDraw.Draw(mask), ImageDraw.Draw(lamp)
        x = -10.0 * s
        skyward = 0.28 + 0.30 * np.sin(np.linspace(0, np.pi, 64) * rng.uniform(0.8, 2) + rng.uniform(0, 3)) ** 2
        while x < width:
            w = rng.uniform(10, 26) * s * (0.7 + 0.5 * near)
            tall = skyward[int(np.clip(x / width * 63, 0, 63))] * rng.uniform(0.45, 1.35) * (1.15 - 0.45 * near)
            top = shore - tall * shore
            d.rectangle((x, top, x + w, shore), fill=255)
            if rng.random() < 0.25:
                d.polygon([(x, top), (x + w / 2, top - w * rng.uniform(0.5, 1.6)), (x + w, top)], fill=255)
            cell, tone = (
                rng.uniform(3.4, 4.6) * s,
                [(255, 214, 140), (255, 236, 200), (170, 215, 255), (255, 170, 90)][rng.integers(4)],
            )
            lit = rng.uniform(0.15, 0.6)
            for wy in np.arange(top + cell, shore - cell, cell * 1.35):
                for wx in np.arange(x + cell * 0.6, x + w - cell * 0.6, cell):
                    if rng.random() < lit:
                        level = rng.uniform(0.35, 1.0) * (0.35 + 0.65 * near)
                        dl.rectangle((wx, wy, wx + cell * 0.5, wy + cell * 0.6), fill=tuple(int(c * level) for c in tone))
            x += w + rng.uniform(-2, 5) * s
        m = (np.asarray(mask, np.float32) / 255)[..., None]
        haze = ramp(np.full((1, 1), 0.75 - 0.2 * near, np.float32), stops) * (0.75 - 0.7 * near)
        canvas = canvas * (1 - m) + m * (haze + 0.02)
        lights = lights * (1 - m) + np.asarray(lamp, np.float32) / 255 * 1.2
    land = bloom(canvas**1.6 + lights, 2.0 * s, 0.5)
    mirror = land[::-1][: height - shore]
    mirror = np.pad(mirror, ((0, max(0, height - shore - len(mirror))), (0, 0), (0, 0)), mode="edge")
    rows = np.arange(height - shore)[:, None] + cloud(rng, height - shore, width, 2.2, 3, stretch=4.0) * 2.2 * s
    cols = np.broadcast_to(np.arange(width)[None], rows.shape) + cloud(rng, height - shore, width, 2.0, 6, stretch=3.0) * 2.5 * s
    water = np.stack([ndimage.map_coordinates(mirror[..., c], [rows, cols], order=1, mode="nearest") for c in range(3)], -1)
    water = ndimage.gaussian_filter(water, (2.5 * s, 0.6 * s, 0)) * 0.75
    return film(np.concatenate([land, water]).astype(np.float32) * 1.2) ** (1 / 1.5)


def forest(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """Conifers in mist, four to six depths: (H,W,3) in 0..1; `turn` picks the light."""
    s = height / 288
    stops = MISTS[turn % len(MISTS)]
    t = (
        rng.uniform(0.35, 0.6)
        + 0.4 * np.linspace(0, 1, height)[:, None] ** 0.8
        + 0.03 * cloud(rng, height, width, 3, 1.5, stretch=2.5)
    )
    canvas = ramp(np.asarray(np.clip(t, 0, 1), np.float32), stops)
    sx, sy = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.4) * height
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    disc = (np.hypot(x - sx, y - sy) - rng.uniform(7, 16) * s) / (0.8 * s)
    canvas = canvas + (0.8 / (1 + np.exp(np.clip(disc, -30, 30))))[..., None]  # sun or moon
    canvas = canvas + (0.35 * np.exp(-np.hypot(x - sx, y - sy) / (height * 0.35)))[..., None] * np.array(
        [1, 0.9, 0.65], np.float32
    )
    layers = int(rng.integers(4, 7))
    for k in range(layers):
        near = (k + 1) / layers
        mask = Image.new("L", (width, height))
        d = ImageDraw.Draw(mask)
        roll = cloud(rng, height, width, 2.6, 0.7, stretch=1.0)[0]
        ground = height * (0.26 + 0.76 * near) + roll * rng.uniform(16, 38) * s * (1.25 - 0.7 * near)
        x0 = -20.0 * s
        while x0 < width + 20 * s:
            tall = rng.uniform(20, 62) * s * (0.35 + 2.6 * near**2.2)
            half = tall * rng.uniform(0.15, 0.22)
            foot = ground[int(np.clip(x0, 0, width - 1))] + 6 * s
            tiers = int(6 + 7 * near)
            for j in range(tiers):
                top = foot - tall * (1 - j / tiers)
                wide = half * ((j + 1.0) / tiers) ** 0.9 * rng.uniform(0.75, 1.2)
                drop = tall / tiers * rng.uniform(1.5, 2.1)
                d.polygon(
                    [
                        (x0, top - drop * 0.3),
                        (x0 - wide, top + drop),
                        (x0 - wide * 0.2, top + drop * 0.7),
                        (x0 + wide * 0.25, top + drop * 0.72),
                        (x0 + wide * rng.uniform(0.8, 1.1), top + drop),
                    ],
                    fill=255,
                )
            x0 += half * rng.choice([rng.uniform(0.6, 1.6), rng.uniform(1.5, 1.5 + 3.5 * near)])
        xs = np.arange(width)
        low = np.asarray(mask, np.float32) / 255
        low = np.maximum(low, (np.arange(height)[:, None] > ground[xs][None]).astype(np.float32))[..., None]
        shade = 0.62 * (1 - near) ** 0.8 + 0.05 + 0.05 * cloud(rng, height, width, 2.0, 8)
        fade = np.clip((y - (ground[None] - 12 * s)) / (70 * s), 0, 1) * (1.1 - near) * 0.45  # mist gathers at the feet
        canvas = canvas * (1 - low) + low * ramp(np.asarray(np.clip(shade + fade, 0, 1), np.float32), stops)
    return np.clip(canvas, 0, 1).astype(np.float32) ** 1.25
