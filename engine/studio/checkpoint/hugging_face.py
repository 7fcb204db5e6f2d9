"""BigGAN-deep as Hugging Face keeps it (pytorch-pretrained-biggan): a folder with config.json and the weights."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from engine.generators.biggan_deep import config_from_hugging_face, from_hugging_face
from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.lazy_tensor import Weight
from engine.studio.checkpoint.safetensors_file import read_config

CONFIG = "config.json"
FILES = ("model.safetensors", "pytorch_model.bin")


def find(folder: Path, tensors: Mapping[str, Weight]) -> Found:
    """The generator of `tensors` under the folder's config.json. Raises CheckpointError where they are no BigGAN-deep."""
    try:
        config = config_from_hugging_face(read_config(folder / CONFIG))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, CheckpointError):
            raise
        said = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(f"expected the configuration of a BigGAN-deep in {folder / CONFIG}; got {said}") from error
    groups: dict[str, dict[str, Weight]] = {}
    for key, weight in tensors.items():  # a weight and its two singular vectors are read and folded together
        name, _, kind = key.rpartition(".")
        groups.setdefault(name if kind in {"weight_orig", "weight_u", "weight_v"} else key, {})[key] = weight
    weights: dict[str, Weight] = {}
    for group in groups.values():
        try:
            shapes = from_hugging_face({key: torch.empty(weight.shape, device="meta") for key, weight in group.items()})
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"expected the weights of a BigGAN-deep in {folder}; got others: {error}") from error
        weights |= {name: Weight(tuple(shape.shape), _folded(group, name)) for name, shape in shapes.items()}
    return Found("biggan_deep", config, weights, "Hugging Face BigGAN-deep")


def _folded(group: Mapping[str, Weight], name: str) -> Callable[[], Tensor]:
    """Reads a weight with its singular vectors, and divides it by its spectral norm."""
    return lambda: from_hugging_face({key: weight.read() for key, weight in group.items()})[name]
