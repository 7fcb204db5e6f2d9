"""NVIDIA's pickles: StyleGAN2 (stylegan2-ada-pytorch, and as the StyleGAN3 repository saves it) and StyleGAN3.

Each network and layer in them is a "persistent object" that brings its own source code. That code is dropped: what is kept
is the data beside it, attributes and tensors.
"""

from typing import Any

from engine.studio.checkpoint import stylegan_config
from engine.studio.checkpoint.bounded_reader import CheckpointError, Window
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.lazy_tensor import Storage, Weight
from engine.studio.checkpoint.pickle_allowlist import NVIDIA, PLAIN, Persistent
from engine.studio.checkpoint.torch_file import load_row
from engine.studio.checkpoint.unpickler import Maker, Unpickler

MOST_WEIGHTS, DEEPEST = 10_000, 16


def load(window: Window) -> Any:
    """The pickle's value, networks as `Persistent`. Raises CheckpointError."""
    return Unpickler(window, {**PLAIN, **NVIDIA, ("torch.storage", "_load_from_bytes"): Maker("storage", _storage)}).load()


def _storage(arguments: tuple[Any, ...]) -> Storage:
    (data,) = arguments
    if not isinstance(data, Window):
        raise TypeError("a storage without bytes")
    value = load_row(data.fresh())
    if not isinstance(value, Storage):
        raise TypeError("bytes that are no storage")
    return value


def is_one(value: Any) -> bool:
    """Whether a file's object is a snapshot of a training, or a generator alone."""
    return isinstance(_generator(value), Persistent)


def _generator(value: Any) -> Any:
    return value.get("G_ema") if isinstance(value, dict) else value


def find(value: Any, window: Window) -> Found:
    """The generator of a snapshot: G_ema, the running mean of the training's weights. Raises CheckpointError."""
    attributes: dict[str, dict[str, Any]] = {}
    weights: dict[str, Weight] = {}
    _walk(_generator(value), "", attributes, weights, window)
    if "synthesis.input" in attributes:
        return stylegan_config.three(attributes, weights, window.path)
    return stylegan_config.two(attributes, weights, window.path, "NVIDIA StyleGAN2")


def _walk(
    part: Persistent, prefix: str, attributes: dict[str, dict[str, Any]], weights: dict[str, Weight], window: Window
) -> None:
    """Collect every module's attributes by its name and every tensor by its own, as state_dict would name them."""
    if prefix.count(".") > DEEPEST or len(attributes) + len(weights) > MOST_WEIGHTS:
        raise CheckpointError(f"expected a network of layers in {window.path}; got one that holds itself, or too many")
    attributes[prefix.rstrip(".")] = part.state
    for kind in ("_parameters", "_buffers"):
        for name, tensor in _table(part, kind, window).items():
            if isinstance(tensor, Weight):
                weights[f"{prefix}{name}"] = tensor
    for name, module in _table(part, "_modules", window).items():
        if isinstance(module, Persistent):
            _walk(module, f"{prefix}{name}.", attributes, weights, window)


def _table(part: Persistent, kind: str, window: Window) -> dict[str, Any]:
    table = part.state.get(kind)
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table):
        raise CheckpointError(f"expected {kind} of {part.class_name} in {window.path}; got {type(table).__name__}")
    window.source.spend(len(table))
    return table
