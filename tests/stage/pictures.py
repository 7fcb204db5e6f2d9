"""Ticks, network frames and pictures for tests of the stage."""

import numpy as np

from engine.core.types import FeatureFrame, Frame, LatentState, Tick


def tick(params=None, number=0):
    """A tick that carries nothing but parameters."""
    zero = np.zeros(1, np.float32)
    features = FeatureFrame(number, 0.0, 0.0, {}, {}, ())
    return Tick(number, 0.0, 0.0, features, params or {}, LatentState(zero, zero, 1.0, zero))


def frame(rgb, seq=0):
    """A network frame of (H, W, 3) bytes."""
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return Frame(np.ascontiguousarray(rgba), seq, 0.0, 0.0, seq)


def landscape(size=96, seed=5):
    """A picture with large forms, edges and colours, (size, size, 3) bytes."""
    random = np.random.default_rng(seed)
    coarse = np.kron(random.integers(0, 256, (6, 6, 3)), np.ones((size // 6, size // 6, 1)))
    fine = np.kron(random.integers(-40, 40, (size // 4, size // 4, 3)), np.ones((4, 4, 1)))
    return np.clip(coarse + fine, 0, 255).astype(np.uint8)


def shown(stage, params=None, rgb=None, frames=3, dt_s=1 / 30, start_s=5.0):
    """Draw some frames and return the last, (H, W, 3) as float. The network has faded in before the first of them."""
    params = {"/limiter/on": False, **(params or {})}  # a first picture is a rise
    if rgb is not None:
        stage.set_frame(frame(rgb))
        stage.draw(tick(params), start_s - 2.0, 0.0)
    for number in range(frames):
        if rgb is not None:
            stage.set_frame(frame(rgb, number))
        stage.draw(tick(params, number), start_s + number * dt_s, dt_s)
    return stage.read()[..., :3].astype(float)
