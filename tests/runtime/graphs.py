"""Models of every architecture, small and of drawn weights, and the bundled one: as ONNX, written once for all tests."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from engine.core.resources import find
from engine.runtime.card import ModelCard, load_card
from engine.runtime.compile.onnx_export import export
from engine.runtime.picture_network import Picture, load_network
from engine.studio import random_model

STYLED: dict[str, Any] = {"resolution": 16, "z_dim": 16, "w_dim": 12, "c_dim": 0, "channel_base": 256, "channel_max": 16}
STYLED |= {"mapping_layers": 2, "conv_clamp": 256.0}
BIGGAN: dict[str, Any] = {"resolution": 16, "ch": 8, "num_classes": 3, "z_dim": 8, "hf_compat": False}
BIGGAN |= {"layers": [[False, 4, 4], [True, 4, 4], [True, 4, 2]], "attention": 2}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "stylegan2": ("stylegan2", STYLED),
    "stylegan2-classes": ("stylegan2", STYLED | {"c_dim": 3, "conv_clamp": 0.0}),
    "stylegan3-t": ("stylegan3", STYLED | {"kind": "t"}),
    "stylegan3-r": ("stylegan3", STYLED | {"kind": "r", "c_dim": 3}),
    "biggan_deep": ("biggan_deep", BIGGAN),
    "upscaled": ("upscaled", {"factor": 2, "base": "biggan_deep", "config": BIGGAN}),
}
BUNDLED = "light"
MODELS = (BUNDLED, *CONFIGS)
BATCH = {False: 1, True: 2}  # of the graphs here, by whether they are half
FIXED = ("z", "y", "truncation", "noise")
LET_BE = {
    "stylegan2": {"y"},
    "stylegan3-t": {"y", "noise"},
    "stylegan3-r": {"noise"},
    "biggan_deep": {"noise"},
    "upscaled": {"noise"},
}
_folder = tempfile.TemporaryDirectory()
torch.set_num_threads(1)


@cache
def card(name: str) -> ModelCard:
    if name == BUNDLED:
        return load_card(find("models", BUNDLED))
    folder = Path(_folder.name) / name
    random_model.write(folder, name, *CONFIGS[name])
    return load_card(folder)


@cache
def written(name: str, half: bool) -> Path:
    """The ONNX file of a model with all its live inputs."""
    file = Path(_folder.name) / f"{name}-{half}.onnx"
    export(card(name), file, half=half, names=tuple(card(name).extra_inputs), batch=BATCH[half])
    return file


def inputs(name: str, batch: int, seed: int, moved: float) -> dict[str, np.ndarray]:
    """Drawn inputs of a model; the live ones are `moved` times N(0,1), so 0 is at rest."""
    rng, model = np.random.default_rng(seed), card(name)
    shapes = {"z": (model.z_size,), "noise": model.noise_shape, **model.extra_inputs}
    drawn = {key: rng.standard_normal((batch, *shape)).astype(np.float32) for key, shape in shapes.items()}
    drawn |= {key: np.float32(moved) * drawn[key] for key in model.extra_inputs}
    drawn["y"] = rng.dirichlet(np.full(len(model.classes), 0.3), batch).astype(np.float32)
    drawn["truncation"] = rng.uniform(0.5, 0.9, (batch, 1)).astype(np.float32)
    return {key: drawn[key] for key in (*FIXED, *model.extra_inputs)}


@cache
def _network(name: str) -> Picture:
    return Picture(load_network(card(name)), tuple(card(name).extra_inputs))


def drawn(name: str, given: dict[str, np.ndarray]) -> np.ndarray:
    """What torch draws in float32: (B,H,W,4)."""
    with torch.inference_mode():
        return _network(name)(*(torch.from_numpy(value) for value in given.values())).numpy()


@cache
def session(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def run(file: Path, given: dict[str, np.ndarray]) -> np.ndarray:
    """What onnxruntime draws of an ONNX file: (B,H,W,4)."""
    return session(file).run(None, given)[0]
