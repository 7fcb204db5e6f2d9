"""Models of random weights, small enough to be drawn in a millisecond or two."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from engine.runtime.card import GENERATOR
from engine.studio import card_file, random_model

CONFIG: dict[str, Any] = {"resolution": 32, "z_dim": 16, "w_dim": 12, "c_dim": 0, "channel_base": 512, "channel_max": 16}
CONFIG |= {"mapping_layers": 2, "conv_clamp": 256.0}


def stylegan2(folder: Path, shift: float = 0.0, **config: Any) -> Path:
    """A StyleGAN2 in `folder`; `shift` is added to all its weights, so that two of them differ."""
    random_model.write(folder, folder.name, "stylegan2", CONFIG | config)
    if shift:
        tensors = {name: tensor + shift for name, tensor in load_file(folder / GENERATOR).items()}
        save_file(tensors, folder / GENERATOR)
        card = card_file.read(folder)
        entry = card["weights"][0] | {"sha256": card_file.sha256(folder / GENERATOR)}
        card_file.write(folder, card | {"weights": [entry]})
    return folder


def biggan_deep(folder: Path) -> Path:
    """A BigGAN-deep in `folder`, 16 pixels wide."""
    layers = [[False, 4, 4], [True, 4, 4], [True, 4, 2]]
    config = {"resolution": 16, "ch": 8, "num_classes": 3, "z_dim": 8, "hf_compat": False, "layers": layers, "attention": 2}
    random_model.write(folder, folder.name, "biggan_deep", config)
    return folder


torch.set_num_threads(1)
