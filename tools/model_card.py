"""The card of a model, model.toml: read, completed with what can be computed (hashes, sizes, cost), and written again."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.generators.light import Light


def read(folder: Path) -> dict[str, Any]:
    """The card in `folder` as plain values."""
    return tomllib.loads((folder / "model.toml").read_text())


def write(folder: Path, card: dict[str, Any]) -> None:
    """Writes the card: plain values first, then tables, then lists of tables."""
    head = "# The card of this model. [config] is set by hand; hashes, sizes and [metrics] are written by tools/.\n"
    (folder / "model.toml").write_text(head + _table(card, ""))


def complete(folder: Path, card: dict[str, Any]) -> dict[str, Any]:
    """The card with hashes of the weight files, sizes of inputs and outputs, parameters and GMAC a frame, counted."""
    light = Light(card["config"])
    inputs = (
        torch.zeros(1, light.z_size),
        torch.full((1, light.classes), 1 / light.classes),
        torch.ones(1, 1),
        torch.zeros(1, *light.noise_shape),
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        light(*inputs)
    files = [
        {"file": f, "sha256": hashlib.sha256((folder / f).read_bytes()).hexdigest(), "bytes": (folder / f).stat().st_size}
        for f in ("weights.safetensors", "encoder.safetensors")
    ]
    return card | {
        "z_size": light.z_size,
        "noise_shape": list(light.noise_shape),
        "resolution": list(light.resolution),
        "gmac": round(counter.get_total_flops() / 2e9, 3),
        "params": sum(p.numel() for p in light.parameters()),
        "memory_values": light.memory.numel(),
        "weights": files,
    }


def _table(table: dict[str, Any], prefix: str) -> str:
    plain = [f"{k} = {_value(v)}" for k, v in table.items() if not isinstance(v, dict) and not _rows(v)]
    parts = ["\n".join(plain) + "\n"] if plain else []
    for key, value in table.items():
        if isinstance(value, dict):
            parts.append(f"\n[{prefix}{key}]\n" + _table(value, f"{prefix}{key}."))
        elif _rows(value):
            parts += [f"\n[[{prefix}{key}]]\n" + _table(row, f"{prefix}{key}.") for row in value]
    return "".join(parts)


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # strings, numbers, booleans and flat lists are written alike in TOML
