"""What a StyleGAN's tensors and attributes say of it: the [config] of our architectures, and what they cannot draw."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.generators.stylegan3 import CRITICAL, DEPTH, MARGIN, TAPS, bands
from engine.studio.checkpoint.bounded_reader import CheckpointError, shown
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.lazy_tensor import Weight

LARGEST = 2048  # pixels
MOST_LAYERS = 64
MOST_CHANNELS = 1 << 20
SYNTHESIS = {"num_layers": DEPTH, "num_critical": CRITICAL, "margin_size": MARGIN, "output_scale": 0.25}
BANDS = {"first_cutoff": 2, "first_stopband": 2**2.1, "last_stopband_rel": 2**0.3, "filter_size": TAPS, "lrelu_upsampling": 2}
Attributes = Mapping[str, Mapping[str, Any]]  # module -> its attributes


def two(attributes: Attributes, weights: Mapping[str, Weight], path: Path, source: str) -> Found:
    """StyleGAN2 under NVIDIA's names. Raises CheckpointError."""
    sizes = sorted(int(found[1]) for key in weights if (found := re.fullmatch(r"synthesis\.b(\d{1,4})\.conv1\.weight", key)))
    if not sizes or sizes != [4 << power for power in range(len(sizes))] or not 8 <= sizes[-1] <= LARGEST:
        raise CheckpointError(f"expected the layers of a StyleGAN2 of 8..{LARGEST} pixels in {path}; got {sizes or 'none'}")
    weights = _in_colour(weights, [f"synthesis.b{size}.torgb" for size in sizes])
    for size in sizes:
        _expect(attributes, f"synthesis.b{size}", {"architecture": "skip"}, path)
        _expect(attributes, f"synthesis.b{size}.conv1", {"activation": "lrelu", "use_noise": True}, path)
        _shape(weights, f"synthesis.b{size}.conv1.noise_const", 2, path)
    kept = {key: weight for key, weight in weights.items() if not key.endswith(".resample_filter")}
    for key in weights.keys() - kept.keys():
        check_fir(key, weights[key], path)
    channels = [_shape(kept, f"synthesis.b{size}.conv1.weight", 4, path)[0] for size in sizes]
    mapping = _mapping(attributes, kept, path)
    for size, count in zip(sizes, channels, strict=True):
        _check_inputs(kept, f"synthesis.b{size}.conv1", count, mapping["w_dim"], path)
    base, most = _base_and_most(sizes, channels, _arguments(attributes), path)
    config = {
        "resolution": sizes[-1],
        **mapping,
        "channel_base": base,
        "channel_max": most,
        "conv_clamp": _clamp(attributes, "synthesis.b4.conv1"),
    }
    return Found("stylegan2", config, kept, source)


def three(attributes: Attributes, weights: Mapping[str, Weight], path: Path) -> Found:
    """StyleGAN3, -T or -R, under NVIDIA's names. Raises CheckpointError."""
    kept = {key: weight for key, weight in weights.items() if not key.endswith((".up_filter", ".down_filter"))}
    layers = [found for key in kept if (found := re.fullmatch(r"synthesis\.(L(\d{1,2})_(\d{1,4})_\d{1,5})\.weight", key))]
    layers.sort(key=lambda found: int(found[2]))
    resolution = int(layers[-1][3]) if layers else 0
    if [int(found[2]) for found in layers] != list(range(DEPTH + 1)) or not 16 <= resolution <= LARGEST:
        got = f"{len(layers)} of {resolution} pixels"
        raise CheckpointError(f"expected the {DEPTH + 1} layers of a StyleGAN3 of 16..{LARGEST} pixels in {path}; got {got}")
    first = f"synthesis.{layers[0][1]}"
    radial = _shape(kept, f"{first}.weight", 4, path)[2] == 1  # turned pictures need round filters, and kernels of one pixel
    _expect(attributes, "synthesis", SYNTHESIS, path)
    _expect(attributes, first, {"down_radial": radial}, path)
    given = _arguments(attributes)
    for name, value in BANDS.items():
        if name in given and given[name] != value:
            raise CheckpointError(f"expected {name} = {value} in {path}; got {shown(given[name])}: such networks cannot be drawn")
    kept = _in_colour(kept, [f"synthesis.{layers[-1][1]}"])
    channels = [_shape(kept, f"synthesis.{found[1]}.weight", 4, path)[0] for found in layers]
    mapping = _mapping(attributes, kept, path)
    for found, count in zip(layers, [channels[0], *channels], strict=False):
        _check_inputs(kept, f"synthesis.{found[1]}", count, mapping["w_dim"], path)
    base, most = given.get("channel_base", 32768), given.get("channel_max", 512)
    sound = all(type(number) is int and 0 < number <= MOST_CHANNELS for number in (base, most))
    if not sound or [band.channels for band in bands(resolution, base, most)] != channels:
        raise CheckpointError(
            f"expected the channels of channel_base {shown(base)} and channel_max {shown(most)} in {path}; got {channels}"
        )
    config = {
        "kind": "r" if radial else "t",
        "resolution": resolution,
        **mapping,
        "channel_base": base,
        "channel_max": most,
        "conv_clamp": _clamp(attributes, first),
    }
    return Found("stylegan3", config, kept, f"NVIDIA StyleGAN3-{'R' if radial else 'T'}")


def _arguments(attributes: Attributes) -> Mapping[str, Any]:
    """What the picture's network was made with."""
    given = attributes.get("synthesis", {}).get("_init_kwargs")
    return given if isinstance(given, dict) else {}


def _clamp(attributes: Attributes, layer: str) -> float:
    """How far the layers' values may go; 0 is as far as they like."""
    clamp = attributes.get(layer, {}).get("conv_clamp")
    return float(clamp) if isinstance(clamp, int | float) else 0.0


def _mapping(attributes: Attributes, weights: Mapping[str, Weight], path: Path) -> dict[str, int]:
    """The settings of the mapping network."""
    layers = 0
    while f"mapping.fc{layers}.weight" in weights and layers < MOST_LAYERS:
        _expect(attributes, f"mapping.fc{layers}", {"activation": "lrelu", "bias_gain": 0.01}, path)
        layers += 1
    (w_size,) = _shape(weights, "mapping.w_avg", 1, path)
    for index in range(layers):
        out = _shape(weights, f"mapping.fc{index}.weight", 2, path)[0]
        if out != w_size or _shape(weights, f"mapping.fc{index}.bias", 1, path) != (out,):
            raise CheckpointError(f"expected mapping.fc{index} to give {w_size} numbers in {path}; got {out}")
    inputs = _shape(weights, "mapping.fc0.weight", 2, path)[1]
    embedded, classes = _shape(weights, "mapping.embed.weight", 2, path) if "mapping.embed.weight" in weights else (0, 0)
    return {"z_dim": inputs - embedded, "w_dim": w_size, "c_dim": classes, "mapping_layers": layers}


def _in_colour(weights: Mapping[str, Weight], last: Sequence[str]) -> dict[str, Weight]:
    """The weights, with what the layers `last` draw as one channel of grey drawn as three that are alike."""
    colour = dict(weights)
    for name in last:
        for key in (f"{name}.weight", f"{name}.bias"):
            weight = weights.get(key)
            if weight is not None and weight.shape[:1] == (1,):
                colour[key] = _thrice(weight)
    return colour


def _thrice(weight: Weight) -> Weight:
    shape = (3, *weight.shape[1:])
    return Weight(shape, lambda: weight.read().expand(shape))


def _check_inputs(weights: Mapping[str, Weight], layer: str, channels: int, w_size: int, path: Path) -> None:
    """Refuse a layer that takes other maps or styles than it is given, before a network is made as large as it asks for."""
    for key, place, wanted in ((f"{layer}.weight", 4, channels), (f"{layer}.affine.weight", 2, w_size)):
        if _shape(weights, key, place, path)[1] != wanted:
            raise CheckpointError(f"expected {key} for {wanted} inputs in {path}; got {list(weights[key].shape)}")
    rows = _shape(weights, f"{layer}.affine.weight", 2, path)[0]
    if rows != channels:
        raise CheckpointError(f"expected {layer}.affine.weight of {channels} rows in {path}; got {rows}")


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
