"""Writes a model of random weights, as large as a trained one: `python -m engine.studio.random_model FOLDER JSON`.

JSON holds the model's name, architecture and config.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from engine.core.network import Network
from engine.core.registry import lookup
from engine.runtime.card import GENERATOR
from engine.studio import card_file


def write(folder: Path, name: str, architecture: str, config: dict[str, Any]) -> None:
    """Write card and weights into a new `folder`.

    The weights are the same each time, none is switched off by a zero, and few pixels are black or white: to compare pictures.
    """
    torch.manual_seed(1)
    network: Network = lookup("architecture", architecture).from_config(config)
    for key, tensor in network.state_dict().items():
        if key.endswith("means"):
            tensor.normal_(0, 0.2)
        if key.endswith("variances"):
            tensor.uniform_(0.3, 1.5)
        if key.endswith(("gamma", "noise_strength")):
            tensor.fill_(0.5)
        if key.endswith("torgb.weight"):
            tensor.mul_(0.1)
    folder.mkdir(parents=True)
    save_file({key: tensor.contiguous() for key, tensor in network.state_dict().items()}, folder / GENERATOR)
    card: dict[str, Any] = {"name": name, "architecture": architecture, "licence": "CC0-1.0"}
    card["classes"] = [str(index) for index in range(network.classes)]
    card_file.write(folder, card_file.complete(folder, card | {"config": config}, network.eval().to("meta")))


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(Path(sys.argv[1]), **json.loads(sys.argv[2]))
