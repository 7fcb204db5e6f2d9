"""Noise fields and colour ramps that the drawn pictures are made of (numpy, vectorised, seeded by the caller)."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]


def cloud(
    rng: np.random.Generator, height: int, width: int, beta: float = 2.2, lowest: float = 1.5, stretch: float = 1.0
) -> Array:
    """Gaussian noise whose cuts have a power-law spectrum 1/f^beta, zero mean, unit variance, periodic: (height, width).

    `lowest` cuts waves longer than 1/lowest of the height; `stretch` > 1 draws the field out along x.
    """
    fy = np.fft.fftfreq(height)[:, None] * height
    fx = np.fft.rfftfreq(width)[None, :] * height * stretch
    f = np.hypot(fy, fx)
    gain = np.where(f >= lowest, np.maximum(f, 1e-3) ** (-(beta + 1) / 2), 0.0)
    spectrum = gain * (rng.standard_normal(gain.shape) + 1j * rng.standard_normal(gain.shape))
    field = np.fft.irfft2(spectrum, (height, width))
    return ((field - field.mean()) / (field.std() + 1e-9)).astype(np.float32)


def warp(field: Array, dy: Array, dx: Array) -> Array:
    """`field` (H,W) looked up at pixel offsets (dy, dx), wrapping around."""
    h, w = field.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    return np.asarray(ndimage.map_coordinates(field, [y + dy, x + dx], order=1, mode="grid-wrap"), np.float32)


def ramp(t: Array, stops: list[str]) -> Array:
    """Colours (..., 3) in 0..1 for t in 0..1 along evenly spaced hex stops, interpolated in linear light."""
    rgb = np.array([[int(s[i : i + 2], 16) / 255 for i in (0, 2, 4)] for s in stops]) ** 2.2
    x = np.clip(t, 0, 1) * (len(stops) - 1)
    out = np.stack([np.interp(x, np.arange(len(stops)), rgb[:, c]) for c in range(3)], -1)
    return (out ** (1 / 2.2)).astype(np.float32)


def bloom(light: Array, radius: float, amount: float) -> Array:
    """Adds the glow of bright parts (H,W,3): a sum of three Gaussians, as a lens would."""
    glow = sum(ndimage.gaussian_filter(light, (radius * k, radius * k, 0)) * g for k, g in ((1, 0.5), (3, 0.3), (8, 0.2)))
    return np.asarray(light + amount * glow, np.float32)


def relief(height: Array, strength: float, angle: float) -> Array:
    """Light from the side on a height field (H,W): 0..1."""
    gy, gx = np.gradient(height)
    nx, ny, nz = -gx * strength, -gy * strength, np.ones_like(gx)
    lit = (nx * np.cos(angle) * 0.7 + ny * np.sin(angle) * 0.7 + nz * 0.71) / np.sqrt(nx**2 + ny**2 + nz**2)
    return np.clip(lit, 0, 1).astype(np.float32)


def film(light: Array) -> Array:
    """Soft shoulder for values above 1, so glows saturate instead of clipping."""
    return np.asarray(1 - np.exp(-np.maximum(light, 0) * 1.4), np.float32)
