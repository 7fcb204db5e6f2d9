"""The model that a run has made, as a folder: weights in half precision, their card, and whose pictures it learned from."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from engine.core.network import Network
from engine.core.registry import lookup
from engine.studio import card_file
from engine.studio.dataset.dataset import Dataset
from engine.studio.training.recipe import Recipe

SOURCES = "sources.json"
_CREDIT = ("source", "package", "author", "licence", "url")  # columns of a dataset that say whose a picture is


def check(target: Path, run: Path) -> None:
    """Raises ValueError where `target` holds a model that `run` did not make: it would be lost."""
    if not (target / card_file.CARD).exists():
        return
    try:
        made_by = card_file.read(target).get("training", {}).get("run")
    except (ValueError, AttributeError):
        made_by = None
    if made_by != _name(run):
        raise ValueError(f"expected a new folder for the model, or this run's own; got {target}, which holds another model")


def write(target: Path, recipe: Recipe, facts: dict[str, Any], run: Path) -> None:
    """Writes the model as it is now; `facts` go into the card's [training]. Raises OSError."""
    target.mkdir(parents=True, exist_ok=True)
    setup = recipe.setup
    for name, tensors in recipe.files().items():
        part = target / f"{name}.part"
        save_file({key: tensor.cpu() for key, tensor in tensors.items()}, part)
        part.chmod(0o644)  # safetensors writes files that only their owner may read
        os.replace(part, target / name)
    sources = credited(setup.dataset)
    for name, rows in (recipe.extras() | {SOURCES: sources}).items():
        (target / name).write_text(_lines(rows), encoding="utf-8")
    card = {
        "name": _name(run),
        "architecture": recipe.architecture,
        "description": f"Trained on {facts['pictures']} pictures of {_name(setup.dataset.folder)}.",
        "classes": list(setup.classes),
        "licence": ", ".join(sorted({source["licence"] for source in sources})),
        "patch": card_file.PATCH,
        "config": setup.config,
        "training": facts | {"run": _name(run)},
        "sources": _summed(setup.dataset),
    }
    with torch.device("meta"):
        network: Network = lookup("architecture", recipe.architecture).from_config(setup.config)
    card_file.write(target, card_file.complete(target, card, network.to("meta")))  # it is counted, not computed


def credited(dataset: Dataset) -> list[dict[str, Any]]:
    """A row for each source of the training pictures: whose it is, and under which licence."""
    rows = (_credit(dataset, int(index)) for index in dataset.indices("train"))
    return list({json.dumps(row): row for row in rows}.values())


def _summed(dataset: Dataset) -> list[dict[str, Any]]:
    """The sources for the card: how many pictures of each package and licence."""
    rows = (_credit(dataset, int(index)) for index in dataset.indices("train"))
    counts = Counter((row.get("package", "own pictures"), row["licence"]) for row in rows)
    return [
        {"package": package, "what": f"{count} of the pictures; {SOURCES} names each one's source", "licence": licence}
        for (package, licence), count in counts.items()
    ]


def _credit(dataset: Dataset, index: int) -> dict[str, Any]:
    row = dataset.pictures[index].row()
    return {key: str(row[key]) for key in _CREDIT if key in row}


def _lines(rows: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def _name(folder: Path) -> str:
    return folder.resolve().name
