"""What a StyleGAN's tensors and attributes say of it: the [config] of our architectures, and what they cannot draw."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from engine.studio.checkpoint.stored import Weight
from engine.studio.checkpoint.weights import Found
from engine.studio.checkpoint.window import CheckpointError, shown

LARGEST = 2048  # pixels
MOST_LAYERS = 64
Attributes = Mapping[str, Mapping[str, Any]]  # module -> its attributes


def two(attributes: Attributes, weights: Mapping[str, Weight], path: Path, source: str) -> Found:
    """StyleGAN2 under NVIDIA's names. Raises CheckpointError."""
    sizes = sorted(int(found[1]) for key in weights if (found := re.fullmatch(r"synthesis\.b(\d{1,4})\.conv1\.weight", key)))
    if not sizes or sizes != [4 << power for power in range(len(sizes))] or not 8 <= sizes[-1] <= LARGEST:
        raise CheckpointError(f"expected the layers of a StyleGAN2 of 8..{LARGEST} pixels in {path}; got {sizes or 'none'}")
    for size in sizes:
        _expect(attributes, f"synthesis.b{size}", {"architecture": "skip", "img_channels": 3}, path)
        _expect(attributes, f"synthesis.b{size}.conv1", {"activation": "lrelu", "use_noise": True}, path)
        _shape(weights, f"synthesis.b{size}.conv1.noise_const", 2, path)
    kept = {key: weight for key, weight in weights.items() if not key.endswith(".resample_filter")}
    for key in weights.keys() - kept.keys():
        check_fir(key, weights[key], path)
    channels = [_shape(kept, f"synthesis.b{size}.conv1.weight", 4, path)[0] for size in sizes]
    arguments = attributes.get("synthesis", {}).get("_init_kwargs")
    base, most = _base_and_most(sizes, channels, arguments if isinstance(arguments, dict) else {}, path)
    clamp = attributes.get("synthesis.b4.conv1", {}).get("conv_clamp")
    config = {
        "resolution": sizes[-1],
        **_mapping(attributes, kept, path),
        "channel_base": base,
        "channel_max": most,
        "conv_clamp": float(clamp) if isinstance(clamp, int | float) else 0.0,
    }
    return Found("stylegan2", config, kept, source)


def _mapping(attributes: Attributes, weights: Mapping[str, Weight], path: Path) -> dict[str, int]:
    """The settings of the mapping network."""
    layers = 0
    while f"mapping.fc{layers}.weight" in weights and layers < MOST_LAYERS:
        _expect(attributes, f"mapping.fc{layers}", {"activation": "lrelu", "bias_gain": 0.01}, path)
        layers += 1
    (w_size,) = _shape(weights, "mapping.w_avg", 1, path)
    inputs = _shape(weights, "mapping.fc0.weight", 2, path)[1]
    embedded, classes = _shape(weights, "mapping.embed.weight", 2, path) if "mapping.embed.weight" in weights else (0, 0)
    return {"z_dim": inputs - embedded, "w_dim": w_size, "c_dim": classes, "mapping_layers": layers}


def _base_and_most(sizes: list[int], channels: list[int], arguments: Mapping[str, Any], path: Path) -> tuple[int, int]:
    """channel_base and channel_max, such that a layer of r pixels has min(base // r, most) channels."""
    most = max(channels)
    guesses = [
        arguments.get("channel_base"),
        *(size * count for size, count in zip(sizes, channels, strict=True) if count < most),
    ]
    for base in (*guesses, sizes[-1] * most):
        if type(base) is int and [min(base // size, most) for size in sizes] == channels:
            return base, most
    raise CheckpointError(f"expected channels that halve as pixels double in {path}; got {channels} at {sizes} pixels")


def _shape(weights: Mapping[str, Weight], key: str, dimensions: int, path: Path) -> tuple[int, ...]:
    shape = weights[key].shape if key in weights else None
    if shape is None or len(shape) != dimensions or 0 in shape:
        found = "nothing" if shape is None else f"one of {list(shape)}"
        raise CheckpointError(f"expected a tensor {key} of {dimensions} dimensions in {path}; got {found}")
    return shape


def _expect(attributes: Attributes, module: str, wanted: dict[str, Any], path: Path) -> None:
    """Refuse a module whose attributes, as far as they are told, ask for what our architecture does not do."""
    told = attributes.get(module, {})
    for name, value in wanted.items():
        if name in told and told[name] != value:
            found = told[name] if isinstance(told[name], str | int | float) else type(told[name]).__name__
            raise CheckpointError(
                f"expected {module} with {name} = {value!r} in {path}; got {shown(found)}: such networks cannot be drawn"
            )


def check_fir(key: str, weight: Weight, path: Path) -> None:
    """Refuse a low-pass other than [1, 3, 3, 1] both ways, with a gain of 1, or of 4 as after inserting zeros."""
    tap = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    given = weight.read().float() if weight.shape == (4, 4) else torch.zeros(4, 4)
    if not any(torch.allclose(given, gain * tap.outer(tap), atol=1e-4) for gain in (1, 4)):
        raise CheckpointError(
            f"expected {key} to be the low-pass [1, 3, 3, 1] in {path}; got another: such networks cannot be drawn"
        )
