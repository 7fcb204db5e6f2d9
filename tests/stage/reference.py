"""Every pass again, in NumPy alone, from the formulas in its documentation: what the card draws is measured against this.

Pictures are (H, W, 3) linear light, row 0 at the bottom; coordinates are (H, W, 2) uv.
"""

import numpy as np

TURN = 2 * np.pi
LUMA = np.array([0.2126, 0.7152, 0.0722])


def grid(size):
    width, height = size
    return np.stack(np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height), -1)


def bilinear(image, uv):
    height, width = image.shape[:2]
    x, y = uv[..., 0] * width - 0.5, uv[..., 1] * height - 0.5
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - column)[..., None], (y - row)[..., None]

    def texel(dy, dx):
        return image[np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)]

    return (texel(0, 0) * (1 - fx) + texel(0, 1) * fx) * (1 - fy) + (texel(1, 0) * (1 - fx) + texel(1, 1) * fx) * fy


def mirrored(uv):
    return 1 - np.abs(np.mod(uv, 2) - 1)


def before(image, uv):
    return bilinear(image, mirrored(uv))


def decoded(rgba):
    value = rgba[..., :3] / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encoded(linear):
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def fitted(uv, aspect, picture_aspect, fit):
    wide = aspect / picture_aspect
    p = (uv - 0.5) * (wide, 1.0)
    p = p / (max(wide, 1.0) if fit == "crop" else min(wide, 1.0)) + 0.5
    p = np.mod(p, 1) if fit == "tile" else mirrored(p)
    return np.stack([p[..., 0], 1 - p[..., 1]], -1)


def centred(uv, aspect):
    return (uv - 0.5) * (aspect, 1.0)


def screen(p, aspect):
    return p / (aspect, 1.0) + 0.5


def turned(p, angle):
    s, c = np.sin(angle), np.cos(angle)
    return np.stack([c * p[..., 0] - s * p[..., 1], s * p[..., 0] + c * p[..., 1]], -1)


def luminance(color):
    return (color @ LUMA)[..., None]


def hue_turned(color, turns):
    # Rodrigues' rotation about the grey axis
    axis = np.full(3, 3**-0.5)
    angle = TURN * turns
    cross = np.cross(np.broadcast_to(axis, color.shape), color)
    return color * np.cos(angle) + cross * np.sin(angle) + (color @ axis)[..., None] * axis * (1 - np.cos(angle))


def hue_color(turns):
    return np.clip(np.abs(np.mod(turns + np.array([0, 2, 1]) / 3, 1) * 6 - 3) - 1, 0, 1)


def random(x, y):
    n = (np.asarray(x).astype(np.int64) * 1664525 + np.asarray(y).astype(np.int64) * 22695477 + 1013904223) & 0xFFFFFFFF
    n = ((n ^ (n >> 16)) * 2246822519) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 3266489917) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) >> 8) / 16777216.0


def noise(p):
    cell = np.floor(p).astype(int)
    f = p - cell
    f = f * f * (3 - 2 * f)
    x, y, fx, fy = cell[..., 0], cell[..., 1], f[..., 0], f[..., 1]
    low = random(x, y) * (1 - fx) + random(x + 1, y) * fx
    high = random(x, y + 1) * (1 - fx) + random(x + 1, y + 1) * fx
    return low * (1 - fy) + high * fy


# --- coordinate passes: uv -> uv ---------------------------------------------------------------------------------------


def zoom(uv, aspect, amount, drift, speed, angle, spin):
    p = centred(uv, aspect) * 2 ** (-amount - drift * (0.16 + 0.1 * np.sin(0.37 * speed)))
    p = turned(p, TURN * (angle + spin) + drift * 0.09 * np.sin(0.23 * speed + 1))
    return screen(p + drift * 0.07 * np.array([np.sin(0.31 * speed), np.cos(0.41 * speed + 0.6)]), aspect)


def warp(uv, aspect, amount, scale, speed, swirl):
    p = centred(uv, aspect)
    p = turned(p, 3 * swirl * 2 ** (-6 * (p**2).sum(-1)))
    s, t, a = 3 * scale, 2 * speed, 0.3 * amount / (3 * scale)
    x, y = p[..., 0], p[..., 1]
    p = p + 2 * a * np.stack([np.sin(y * s + t), np.cos(x * s * 0.93 - 1.1 * t)], -1)
    x, y = p[..., 0], p[..., 1]
    p = p + a * np.stack([np.sin(y * s * 1.9 - 1.3 * t + 2), np.cos(x * s * 2.1 + 0.9 * t + 1)], -1)
    return screen(p, aspect)


def kaleidoscope(uv, aspect, amount, segments, angle, spin):
    p = centred(uv, aspect)
    wedge = TURN / segments
    around = np.arctan2(p[..., 1], p[..., 0]) + TURN * spin
    folded = np.abs(np.mod(around, wedge) - wedge / 2) + TURN * angle
    star = np.hypot(p[..., 0], p[..., 1])[..., None] * np.stack([np.cos(folded), np.sin(folded)], -1)
    return screen(p * (1 - amount) + star * amount, aspect)


# --- passes that read their neighbours ---------------------------------------------------------------------------------


def displace(image, uv, aspect, amount, light, scale, speed):
    def bright(at):
        return np.sqrt(np.minimum(luminance(before(image, at)), 1))[..., 0]

    p = centred(uv, aspect) * scale
    wind = np.stack([noise(p + speed), noise(p + np.array([41, 17]) - speed)], -1) - 0.5
    slope = np.stack([bright(uv + np.array([0.02 / aspect, 0])), bright(uv + np.array([0, 0.02]))], -1) - bright(uv)[..., None]
    push = 0.3 * wind * (1 - light) + 0.35 * slope * light
    return before(image, uv + amount * push / (aspect, 1))


def glitch(image, uv, aspect, amount, blocks, split, rate):
    deal = int(np.floor(rate))
    row = np.floor(uv[..., 1] * blocks).astype(int)
    column = np.floor(uv[..., 0] * aspect * blocks * 0.25 + 4 * random(row, deal)).astype(int)
    chosen = random(row * 71 + column, deal + 977) < 0.6 * amount
    slip = np.where(chosen, random(column + 31, row * 13 + deal) - 0.5, 0)
    at = uv + np.stack([0.35 * amount * slip, 0 * slip], -1)
    part = np.stack([0.04 * amount * split * (0.4 + np.abs(slip)), 0 * slip], -1)
    red, green, blue = before(image, at + part), before(image, at), before(image, at - part)
    return np.stack([red[..., 0], green[..., 1], blue[..., 2]], -1)


def feedback(color, memory, uv, aspect, dt, amount, half_life_s, zoom, rotate, hue):
    p = turned(centred(uv, aspect) * 2 ** (-zoom * dt), TURN * rotate * dt)
    echo = before(memory, screen(p, aspect))
    most = echo.max(-1, keepdims=True)
    echo = np.clip(hue_turned(echo, hue * dt), 0, most)
    echo = echo * 2 ** (-dt / (half_life_s * amount)) / (1 + 2 * dt * luminance(echo))
    lit, dark = (luminance(echo) + 1e-3) ** 4, (luminance(color) + 1e-3) ** 4
    return (color * dark + echo * lit) / (dark + lit)


def blurred(image, bright):
    """Dual filtering (Bjorge, 2015) of a quartered picture, each finer level 0.4 of its own."""
    height, width = image.shape[:2]
    size = ((width + 3) // 4, (height + 3) // 4)
    uv, pixel = grid(size), np.array([1 / size[0], 1 / size[1]])
    corners = [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)]
    levels = [sum(bright(before(image, uv + pixel * corner)) for corner in corners) / 4]
    while levels[-1].shape[0] // 2 >= 10:
        size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
        uv, half, last = grid(size), np.array([0.5 / size[0], 0.5 / size[1]]), levels[-1]
        around = sum(bilinear(last, uv + half * sign) for sign in [(1, 1), (-1, -1), (1, -1), (-1, 1)])
        levels.append((4 * bilinear(last, uv) + around) / 8)
    wide = levels.pop()
    for finer in reversed(levels):
        uv = grid((finer.shape[1], finer.shape[0]))
        pixel = np.array([1 / wide.shape[1], 1 / wide.shape[0]])
        sides = sum(bilinear(wide, uv + pixel * sign) for sign in [(1, 0), (-1, 0), (0, 1), (0, -1)])
        edges = sum(bilinear(wide, uv + pixel * sign) for sign in [(1, 1), (-1, -1), (1, -1), (-1, 1)])
        wide = 0.4 * finer + 0.6 * (sides + 2 * edges) / 12
    return wide


def bloom(image, uv, amount, threshold, tint):
    def bright(color):
        peak = color.max(-1, keepdims=True)
        knee = np.maximum(peak - 0.6 * threshold, 0)
        return color * np.minimum(knee**2 / (0.4 * threshold + 0.05), peak) / np.maximum(peak, 1e-4)

    light = bilinear(blurred(image, bright), uv)
    light = np.maximum(light * (1 - tint) + (2 * light - luminance(light)) * tint, 0)
    color = before(image, uv)
    return color + 1.8 * amount * light * (1 - 0.85 * np.minimum(color, 1))


# --- pointwise passes: colour -> colour --------------------------------------------------------------------------------


def flash(color, uv, amount, hue, saturation):
    light = (1 - saturation) + saturation * hue_color(hue)
    return color + amount * light * (0.25 + color) * (1.4 - 1.6 * ((uv - 0.5) ** 2).sum(-1))[..., None]


def grade(color, uv, exposure, contrast, saturation, hue, tint, tint_hue, shoulder, vignette):
    color = color * 2**exposure * (1 - 1.1 * vignette * ((uv - 0.5) ** 2).sum(-1))[..., None]
    color = np.maximum(hue_turned(color, hue), 0)
    light = luminance(color)
    color = color * (1 - tint) + 2 * light * hue_color(tint_hue) * tint
    color = np.maximum(light + (color - light) * saturation, 0)
    color = 0.18 * (color / 0.18) ** max(contrast, 0.01)
    knee = 1 - 0.6 * shoulder
    over = np.maximum(color - knee, 0)
    return np.minimum(color, knee) + (1 - knee) * (1 - np.exp(-over / max(1 - knee, 0.01)))
