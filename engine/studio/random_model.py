"""Writes a model of random weights, as large as a trained one: `python -m engine.studio.random_model FOLDER JSON`.

JSON holds the model's name, architecture and config.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from engine.core.network import Network
from engine.core.registry import lookup
from engine.runtime.card import GENERATOR
from engine.studio import card_file

USAGE = 'FOLDER \'{"name": ..., "architecture": ..., "config": {...}}\''
KEYS = {"name": str, "architecture": str, "config": dict}


def write(folder: Path, name: str, architecture: str, config: dict[str, Any]) -> int:
    """Write card and weights into a new `folder`. Returns the number of parameters.

    The weights are the same each time, none is switched off by a zero, and few pixels are black or white: to compare pictures.
    Raises LookupError for an unknown architecture, ValueError for a config that it does not take, OSError for the folder.
    """
    torch.manual_seed(1)
    network = _network(architecture, config)
    for key, tensor in network.state_dict().items():
        if key.endswith("means"):
            tensor.normal_(0, 0.2)
        if key.endswith("variances"):
            tensor.uniform_(0.3, 1.5)
        if key.endswith(("gamma", "noise_strength")):
            tensor.fill_(0.5)
        if key.endswith("torgb.weight"):
            tensor.mul_(0.1)
    if folder.exists():
        raise FileExistsError(f"expected a folder that is not there yet; got {folder}")
    folder.mkdir(parents=True)
    try:
        # save_file would make a file that only its owner may read
        (folder / GENERATOR).write_bytes(save({key: tensor.contiguous() for key, tensor in network.state_dict().items()}))
        card: dict[str, Any] = {"name": name, "architecture": architecture, "licence": "CC0-1.0"}
        card["classes"] = [str(index) for index in range(network.classes)]
        card = card_file.complete(folder, card | {"config": config}, network.eval().to("meta"))
        card_file.write(folder, card)
    except BaseException:
        shutil.rmtree(folder)  # half a model would stand in the way of the next try
        raise
    return int(card["params"])


def _network(architecture: str, config: dict[str, Any]) -> Network:
    kind = lookup("architecture", architecture)
    try:
        network: Network = kind.from_config(config)
    except KeyError as error:
        given = ", ".join(config) or "none"
        raise ValueError(f"expected the key {error} in the config of {architecture}; got {given}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected a config that {architecture} takes; got {error}") from error
    return network


def described(text: str) -> dict[str, Any]:
    """What the argument JSON says of a model. Raises ValueError."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ValueError(f"expected JSON; got {text[:80]!r} ({error})") from error
    if not isinstance(told, dict) or told.keys() != KEYS.keys():
        given = ", ".join(told) if isinstance(told, dict) else text[:80]
        raise ValueError(f"expected JSON with {', '.join(KEYS)}; got {given or 'none of them'}")
    for key, kind in KEYS.items():
        if not isinstance(told[key], kind):
            raise ValueError(f"expected {'a table' if kind is dict else 'a text'} for {key}; got {told[key]!r:.80}")
    return told


def main(words: Sequence[str]) -> int:
    """Run the command; exit code 2, after one line, for what it cannot do."""
    torch.set_num_threads(1)
    try:
        if len(words) != 2:
            raise ValueError(f"expected {USAGE}; got {len(words)} arguments")
        count = write(Path(words[0]), **described(words[1]))
    except (OSError, ValueError, LookupError) as error:
        if isinstance(error, KeyError | IndexError) or os.environ.get("CLAVILUX_TRACEBACK"):
            raise
        print(f"random_model: {error}", file=sys.stderr)
        return 2
    print(f"{words[0]} written: {count} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
