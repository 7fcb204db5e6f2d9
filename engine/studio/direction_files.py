"""A model's directions beside its weights: directions.safetensors, the card's [directions], and their sheet."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from engine.core.types import Directions
from engine.runtime.card import DIRECTIONS, CardError, load_card
from engine.studio import card_file

SHEET = "directions.webp"
_LONGEST = 40  # characters of a name


def saved(folder: Path) -> Directions | None:
    """The directions of the model in `folder`, if it has any. Raises CardError."""
    return load_card(folder, verify=False).load_directions()


def save(folder: Path, directions: Directions) -> None:
    """Write directions beside the weights and into the card; those that were there are replaced."""
    card = card_file.read(folder)
    file, fresh = folder / DIRECTIONS, folder / f".{DIRECTIONS}.new"
    save_file({"directions": np.ascontiguousarray(directions.vectors)}, fresh)  # what is not contiguous is written in disorder
    entry = {"file": DIRECTIONS, "sha256": card_file.sha256(fresh), "bytes": fresh.stat().st_size}
    others = [row for row in card["weights"] if row["file"] != DIRECTIONS]
    os.replace(fresh, file)
    card_file.write(folder, card | {"directions": _table(directions), "weights": [*others, entry]})


def rename(folder: Path, names: Mapping[int, str]) -> Directions:
    """Give directions other names, by number. Raises CardError where there are none, ValueError for numbers and names amiss."""
    found = saved(folder)
    if found is None:
        raise CardError(f"expected directions in {folder}; got none yet: `clavilux directions {folder}` finds them")
    new = list(found.names)
    for number, name in names.items():
        if not 0 <= number < len(new):
            raise ValueError(f"expected a direction from 0 to {len(new) - 1}; got {number}={name}")
        if not name or len(name) > _LONGEST or not name.isprintable():
            raise ValueError(f"expected a name of 1 to {_LONGEST} characters; got {number}={name!r}")
        new[number] = name
    if len(set(new)) != len(new):
        raise ValueError(f"expected each name once; got {', '.join(new)}")
    renamed = replace(found, names=tuple(new))
    card_file.write(folder, card_file.read(folder) | {"directions": _table(renamed)})
    return renamed


def _table(directions: Directions) -> dict[str, object]:
    return {"space": directions.space, "names": list(directions.names)}
