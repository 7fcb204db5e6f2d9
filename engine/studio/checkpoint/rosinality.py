"""rosinality's stylegan2-pytorch: its g_ema under NVIDIA's names.

Weights, gains, filters and their directions agree with NVIDIA's; what differs are names, dimensions of 1, and that a
checkpoint of the training has no mean of w, which is then taken over a fixed draw of latents.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.studio.checkpoint import stylegan_config
from engine.studio.checkpoint.bounded_reader import CheckpointError, shown
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.lazy_tensor import Weight

DRAWS = 4096  # latents for the mean of w
PACE = 0.01  # learning-rate multiplier of the mapping network
_FIRST = {"conv1": "b4.conv1", "to_rgb1": "b4.torgb"}
_PARTS = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}
_FEWER = {"const": 3, "weight": 4, "noise_strength": 0, "noise_const": 2, "bias": 1}  # dimensions here


def is_one(value: Any) -> bool:
    """Whether a file's object is a checkpoint of this kind, or only its generator's state."""
    state = _state(value)
    return isinstance(state, dict) and "style.1.weight" in state and "input.input" in state


def _state(value: Any) -> Any:
    return value.get("g_ema", value) if isinstance(value, dict) else None


def find(value: Any, path: Path) -> Found:
    """The generator. Raises CheckpointError where a tensor has no place in NVIDIA's network."""
    weights: dict[str, Weight] = {}
    for key, weight in _state(value).items():
        if not isinstance(key, str) or not isinstance(weight, Weight):
            raise CheckpointError(f"expected tensors by name in {path}; got {shown(key)}")
        if key.endswith(".kernel"):  # the low-pass, the same everywhere
            stylegan_config.check_fir(key, weight, path)
            continue
        name = _name(key)
        if name is None:
            raise CheckpointError(f"expected the layers of a StyleGAN2 in {path}; got {shown(key)}")
        linear = name.startswith("mapping.") or ".affine." in name
        weights[name] = weight if linear else _squeezed(weight, _FEWER[name.rpartition(".")[2]], key, path)
    mean = value.get("latent_avg")
    weights["mapping.w_avg"] = mean if isinstance(mean, Weight) else _mean(weights, path)
    return stylegan_config.two({}, weights, path, "rosinality stylegan2-pytorch")


def _name(key: str) -> str | None:
    """NVIDIA's name of a tensor."""
    if found := re.fullmatch(r"style\.(\d{1,2})\.(weight|bias)", key):
        return f"mapping.fc{int(found[1]) - 1}.{found[2]}"
    if found := re.fullmatch(r"noises\.noise_(\d{1,2})", key):
        return f"synthesis.{_layer(int(found[1]))}.noise_const"
    if key == "input.input":
        return "synthesis.b4.const"
    if found := re.fullmatch(r"(conv1|to_rgb1|convs\.(\d{1,2})|to_rgbs\.(\d{1,2}))\.(.+)", key):
        if found[4] not in _PARTS:
            return None
        if found[2] is not None:
            place = _layer(int(found[2]) + 1)
        else:
            place = _FIRST[found[1]] if found[3] is None else f"b{8 << int(found[3])}.torgb"
        return f"synthesis.{place}.{_PARTS[found[4]]}"
    return None


def _layer(number: int) -> str:
    """The place of the convolution with this number: one at 4 pixels, two at every other size."""
    return f"b{4 << (number + 1) // 2}.conv{1 - number % 2}"


def _squeezed(weight: Weight, dimensions: int, key: str, path: Path) -> Weight:
    """The tensor in as many dimensions, without such of one."""
    shape = weight.shape
    while len(shape) > dimensions and 1 in (shape[0], shape[-1]):
        shape = shape[1:] if shape[0] == 1 else shape[:-1]
    if len(shape) != dimensions:
        raise CheckpointError(
            f"expected {key} in {path} to have {dimensions} dimensions beside such of 1; got {list(weight.shape)}"
        )
    return Weight(shape, lambda: weight.read().reshape(shape))


def _mean(weights: dict[str, Weight], path: Path) -> Weight:
    """The mean of w over a fixed draw of latents."""
    last = max((key for key in weights if re.fullmatch(r"mapping\.fc\d+\.weight", key)), key=lambda key: (len(key), key))

    def read() -> Tensor:
        w = torch.randn(DRAWS, weights["mapping.fc0.weight"].shape[1], generator=torch.Generator().manual_seed(0))
        w = w * torch.rsqrt(w.square().mean(1, keepdim=True) + 1e-8)  # (DRAWS, W)
        for index in range(int(re.sub(r"\D", "", last)) + 1):
            weight, bias = (weights[f"mapping.fc{index}.{kind}"].read().float() for kind in ("weight", "bias"))
            w = F.leaky_relu(F.linear(w, weight * (PACE / weight.shape[1] ** 0.5), bias * PACE), 0.2) * 2**0.5
        return w.mean(0)

    return Weight(weights[last].shape[:1], read)
