"""Neon, drawn: light painting in the dark: harmonographs, tunnels, grids with a sun, contours, rays, arcs, ripples."""

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from tools.data.noise import Array, bloom, cloud, film, warp

SCHEMES = [
    (0.83, 0.52),
    (0.92, 0.55),
    (0.52, 0.62),
    (0.78, 0.12),
    (0.33, 0.5),
    (0.0, 0.6),
    (0.88, 0.75),
    (0.45, 0.85),
    (0.08, 0.58),
]


def hue(t: Array | float, scheme: tuple[float, float], spread: float = 0.08) -> Array:
    """Saturated colours (..., 3) that swing between the two hues of a scheme as t runs over whole numbers."""
    t = np.asarray(t, np.float32)
    mix = 0.5 - 0.5 * np.cos(2 * np.pi * t)
    gap = (scheme[1] - scheme[0] + 0.5) % 1.0 - 0.5
    table = np.array(
        [colorsys.hsv_to_rgb((scheme[0] + gap * k / 255 + spread * np.sin(k / 40)) % 1, 0.88, 1.0) for k in range(256)],
        np.float32,
    )
    return table[(mix * 255).astype(int)]


def strokes(height: int, width: int, lines: list[tuple[Array, Array]], thick: float) -> Array:
    """Curves (points (N,2) in pixels, colours (N,3)) drawn as light: (H,W,3)."""
    im = Image.new("RGB", (width, height))
    d = ImageDraw.Draw(im)
    for pts, col in lines:
        for a, b, c in zip(pts[:-1], pts[1:], col, strict=False):
            d.line((*a, *b), fill=tuple(int(255 * v) for v in c), width=max(1, round(thick)))
    return np.asarray(im, np.float32) / 255


KINDS = ("tunnel", "grid", "ripples", "rays", "contour", "bloom", "arcs", "tunnel", "harmonograph", "grid", "ripples", "arcs")


def draw(rng: np.random.Generator, height: int, width: int, turn: int) -> Array:
    """One picture (H,W,3) in 0..1; `turn` counts through KINDS."""
    kind = KINDS[turn % len(KINDS)]
    scheme = SCHEMES[rng.integers(len(SCHEMES))]
    s = height / 288
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = (x - width / 2) / (height / 2), (y - height / 2) / (height / 2)
    r, a = np.hypot(u, v) + 1e-4, np.arctan2(v, u)
    if kind == "harmonograph":
        t = np.linspace(0, 2 * np.pi * rng.integers(6, 16), 5000)
        p, q = rng.integers(2, 6, 2)
        decay = np.exp(-t * rng.uniform(0.0, 0.02))
        px = np.sin(p * t + rng.uniform(0, 6)) + 0.5 * np.sin((q + rng.uniform(-0.03, 0.03)) * t)
        py = np.cos(q * t + rng.uniform(0, 6)) + 0.5 * np.cos((p + rng.uniform(-0.03, 0.03)) * t)
        pts = np.stack([width / 2 + px * decay * height * 0.36, height / 2 + py * decay * height * 0.3], -1)
        light = strokes(height, width, [(pts, hue((t / t[-1] * 2).astype(np.float32), scheme))], 1.6 * s) * 1.3
    elif kind == "tunnel":
        cx, cy = rng.uniform(-0.35, 0.35, 2)
        r, a = np.hypot(u - cx, v - cy) + 1e-3, np.arctan2(v - cy, u - cx)
        rings, spokes, twist = rng.uniform(3, 6), int(rng.integers(6, 14)), rng.uniform(-1.5, 1.5)
        depth = np.log(r) * rings + rng.uniform(0, 1)
        square = np.log(np.maximum(np.abs(u - cx), np.abs(v - cy)) + 1e-3) * rings
        depth = square if rng.random() < 0.4 else depth
        turn = (a / (2 * np.pi)) * spokes + twist * np.log(r)
        line = np.exp(-((np.abs(depth % 1 - 0.5) / 0.07) ** 2)) + 0.8 * np.exp(-((np.abs(turn % 1 - 0.5) / 0.055) ** 2))
        light = line[..., None] * hue((np.log(r) * 0.35).astype(np.float32), scheme) * np.clip(r * 2.2, 0, 1.2)[..., None]
    elif kind == "grid":
        horizon = rng.uniform(-0.15, 0.15)
        below = np.maximum(v - horizon, 1e-3)
        gx, gz = u / below * 1.6 + rng.uniform(0, 1), 1.2 / below + rng.uniform(0, 1)
        width_z, width_x = np.clip(0.02 / below**1.2, 0.03, 0.5), np.clip(0.02 / below, 0.03, 0.5)
        line = np.exp(-((np.abs(gx % 1 - 0.5) / width_x) ** 2)) + np.exp(-((np.abs(gz % 1 - 0.5) / width_z) ** 2))
        floor = np.where(v > horizon, line * np.clip(below * 2.5, 0, 1), 0)[..., None] * hue(0.0, scheme)
        sx, sr = rng.uniform(-0.4, 0.4), rng.uniform(0.35, 0.6)
        disc = 1 / (1 + np.exp(np.minimum((np.hypot(u - sx, v - horizon + sr * 0.45) - sr) * 90, 60)))
        slats = 1 / (1 + np.exp(-(np.sin((v - horizon) * 55) + 0.9 + 1.6 * (v - horizon + sr * 0.6) * -1) * 8))
        up = np.clip((horizon - v) / (sr * 1.4), 0, 1)
        sun = (disc * np.where(up < 0.55, slats, 1) * (v < horizon))[..., None] * hue(0.5 * (1 - up), scheme)
        hill = cloud(rng, height, width, 2.4, 1.5)[0] * 0.06 + 0.07
        ridge = ((v < horizon) & (v > horizon - np.maximum(hill, 0)[None]))[..., None]
        sky = np.exp(-np.abs(v - horizon) * 3)[..., None] * hue(0.5, scheme) * 0.35
        light = np.where(ridge, 0.03 * hue(0.5, scheme), sky * (v < horizon)[..., None] + sun) + floor
        light = light + 0.8 * np.exp(-np.abs(v - horizon) * 70)[..., None] * hue(0.2, scheme)
    elif kind == "contour":
        f = warp(cloud(rng, height, width, 4.0, 1.2), *(cloud(rng, height, width, 3.4) * 14 * s for _ in range(2)))
        f = f * rng.uniform(2.2, 4)
        gy, gx = np.gradient(f)
        near = np.abs(f % 1 - 0.5) / (np.hypot(gx, gy) * 1.4 * s + 1e-3)
        light = (np.exp(-(near**2)) + 0.25 * np.exp(-near / 4))[..., None] * hue((f * 0.12).astype(np.float32), scheme)
        light = light + 0.10 * hue((f * 0.12 + 0.3).astype(np.float32), scheme) * np.clip(f, 0, 1)[..., None]
    elif kind == "rays":
        light = np.zeros((height, width, 3), np.float32)
        haze = 0.65 + 0.35 * warp(cloud(rng, height, width, 2.6, 2), u * 20, v * 20)
        for _ in range(rng.integers(2, 5)):
            ox, oy = rng.uniform(-1.4, 1.4), rng.choice([-1.15, 1.15]) * rng.uniform(0.6, 1.1)
            aa, rr = np.arctan2(v - oy, u - ox), np.hypot(u - ox, v - oy)
            for k in range(rng.integers(3, 7)):
                beam = (
                    rng.uniform(-np.pi, np.pi) if k == 0 else np.arctan2(-oy + rng.uniform(-1, 1), -ox + rng.uniform(-1.6, 1.6))
                )
                off = np.abs((aa - beam + np.pi) % (2 * np.pi) - np.pi) * rr
                light += (
                    (np.exp(-((off / 0.012) ** 2)) * 1.2 + 0.20 * np.exp(-off / 0.05))[..., None]
                    * hue(rng.uniform(0, 1), scheme)
                    * (np.exp(-rr * 0.35) * haze)[..., None]
                )
    elif kind == "arcs":
        fold = int(rng.choice([3, 4, 5, 6, 8]))
        aa = np.abs((a / (2 * np.pi) * fold) % 1 - 0.5) * 2 * np.pi / fold if fold > 1 else a
        px, py = (np.cos(aa) * r * height * 0.5, np.sin(aa) * r * height * 0.5) if fold > 1 else (x, y)
        f = cloud(rng, height, width, 3.2, 1.5)
        f = warp(f, py.astype(np.float32) - y, px.astype(np.float32) - x)
        f2 = warp(cloud(rng, height, width, 3.6, 1.0), py.astype(np.float32) - y, px.astype(np.float32) - x)
        light = (0.016 / (np.abs(f) + 0.014))[..., None] * hue((r * 0.5).astype(np.float32), scheme)
        light = light + (0.012 / (np.abs(f2) + 0.02))[..., None] * hue((r * 0.5 + 0.5).astype(np.float32), scheme)
    elif kind == "ripples":
        f = np.zeros_like(u)
        for _ in range(rng.integers(2, 4)):
            cx, cy = rng.uniform(-1.2, 1.2), rng.uniform(-0.8, 0.8)
            f += np.cos(np.hypot(u - cx, v - cy) * rng.uniform(9, 18))
        line = np.exp(-(((f - 0.7) / 0.28) ** 2)) + 0.5 * np.exp(-(((f + 0.9) / 0.22) ** 2))
        light = line[..., None] * hue((r * 0.45 + 0.1 * f).astype(np.float32), scheme)
    else:
        n, m = int(rng.integers(3, 9)), rng.uniform(0.2, 0.5)
        turns = np.linspace(0, 2 * np.pi, 1400)
        lines = []
        for k in range(rng.integers(10, 22)):
            rad = (0.25 + 0.035 * k) * (1 + m * np.sin(n * turns + k * 0.16)) * height * 0.62
            ang = turns + k * rng.uniform(0.01, 0.03)
            pts = np.stack([width / 2 + np.cos(ang) * rad, height / 2 + np.sin(ang) * rad], -1)
            lines.append((pts, np.broadcast_to(hue(k / 20, scheme), (len(turns), 3))))
        light = strokes(height, width, lines, 1.5 * s)
    fog = np.exp(1.0 * cloud(rng, height, width, 3.4, 1.2)) * 0.025
    light = np.asarray(light, np.float32) + fog[..., None] * hue(rng.uniform(0, 1), scheme)
    return film(bloom(np.minimum(light, 1.6), 2.2 * s, 1.1) * 1.05)
