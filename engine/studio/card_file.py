"""The card of a model, model.toml: read, completed with what can be computed (hashes, sizes, cost), and written again."""

import hashlib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.core.network import Network
from engine.runtime.card import GENERATOR

CARD = "model.toml"
PATCH = "wildcard"  # plays models whatever their classes are called
_HEAD = "# The card of this model: what it is, where it comes from, and what its files must be.\n"


def read(folder: Path) -> dict[str, Any]:
    """The card in `folder` as plain values."""
    return tomllib.loads((folder / CARD).read_text(encoding="utf-8-sig"))


def write(folder: Path, card: dict[str, Any]) -> None:
    """Write the card, whole or not at all: plain values first, then tables, then lists of tables."""
    part = folder / f".{CARD}.part"
    part.write_text(_HEAD + _table(card, ""), encoding="utf-8")
    os.replace(part, folder / CARD)


def complete(folder: Path, card: dict[str, Any], network: Network) -> dict[str, Any]:
    """The card with the hashes of the weight files in `folder`, and what can be told of the network.

    That is the sizes of its inputs and outputs, its parameters, and the GMAC of a frame, counted. The network is frozen by it;
    one on PyTorch's "meta" device is counted without being computed.
    """
    card = {key: value for key, value in card.items() if key != "live"}  # what [extra_inputs] was called
    files = sorted(folder.glob("*.safetensors"), key=lambda file: (file.name != GENERATOR, file.name))
    return card | {
        "z_size": network.z_size,
        "noise_shape": list(network.noise_shape),
        "resolution": list(network.resolution),
        "gmac": round(gmac(network), 3),
        "params": sum(parameter.numel() for parameter in network.parameters()),
        **({"extra_inputs": {name: list(shape) for name, shape in network.extra_inputs.items()}} if network.extra_inputs else {}),
        "weights": [{"file": file.name, "sha256": sha256(file), "bytes": file.stat().st_size} for file in files],
    }


def gmac(network: Network) -> float:
    """Billions of multiplications a frame, with all live inputs at rest; convolutions and products of matrices count."""
    place = next(network.parameters())
    inputs = [torch.zeros(1, *shape).to(place) for shape in ((network.z_size,), (network.classes,), (1,), network.noise_shape)]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.requires_grad_(False)(*inputs)
    return float(counter.get_total_flops()) / 2e9


def sha256(file: Path) -> str:
    """The hash by which a file can be known again."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _table(table: dict[str, Any], prefix: str) -> str:
    plain = [f"{_key(k)} = {_value(v)}" for k, v in table.items() if not isinstance(v, dict) and not _rows(v)]
    parts = ["\n".join(plain) + "\n"] if plain else []
    for key, value in ((_key(key), value) for key, value in table.items()):
        if isinstance(value, dict):
            parts.append(f"\n[{prefix}{key}]\n" + _table(value, f"{prefix}{key}."))
        elif _rows(value):
            parts += [f"\n[[{prefix}{key}]]\n" + _table(row, f"{prefix}{key}.") for row in value]
    return "".join(parts)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # texts, numbers, booleans and lists of them are written alike in TOML
