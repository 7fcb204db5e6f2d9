"""From a path to the network in it: which kind of checkpoint it is, told by its content and never by its name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.runtime.card import GENERATOR, load_card
from engine.studio.checkpoint import foreign_files, hugging_face, nvidia, rosinality, safetensors_file, torch_file
from engine.studio.checkpoint.bounded_reader import CheckpointError, Window, opened, shown
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.lazy_tensor import Weight

KINDS = (
    "an NVIDIA StyleGAN2 or StyleGAN3 pickle, a rosinality .pt, a Hugging Face BigGAN folder (config.json and weights), "
    "a model of Clavilux's, or tensors with --architecture and --config"
)
FORK = "where it is a fork of StyleGAN (XL, T, Human, ...), its layers are others than NVIDIA's own, and it cannot be played"
_PICKLES = (b"\x80", b"(", b"c", b"]", b"}")  # how pickles of dicts, tuples, lists and objects begin


@dataclass(frozen=True, slots=True)
class Given:
    """What the user says of a file that says nothing of itself."""

    architecture: str
    config: Path


@contextmanager
def open_checkpoint(path: Path, given: Given | None = None) -> Iterator[tuple[Found, Path]]:
    """The network in a file or folder and the file with its weights, while the context lasts. Raises CheckpointError."""
    if path.is_dir():
        if (path / "model.toml").is_file():
            card = load_card(path)
            with opened(path / GENERATOR) as window:
                yield safetensors_file.find_ours(card, window), path / GENERATOR
            return
        file = next((path / name for name in hugging_face.FILES if (path / name).is_file()), None)
        if foreign := foreign_files.of_folder(path):
            raise CheckpointError(f"expected {KINDS}; got the folder {path}, {foreign}")
        if file is None or not (path / hugging_face.CONFIG).is_file():
            raise CheckpointError(f"expected {KINDS}; got the folder {path}, without such files")
        with opened(file) as window:
            yield hugging_face.find(path, _tensors(_value(window), window)), file
        return
    with opened(path) as window:
        yield _find(window, given), path


def _find(window: Window, given: Given | None) -> Found:
    if foreign := foreign_files.of_file(window):
        raise CheckpointError(f"expected {KINDS}; got {window.path}, {foreign}")
    value = _value(window)
    if given is not None:
        return Found(given.architecture, safetensors_file.read_config(given.config), _tensors(value, window), "tensors by name")
    if rosinality.is_one(value):
        return rosinality.find(value, window.path)
    if nvidia.is_one(value):
        try:
            return nvidia.find(value, window)
        except CheckpointError as error:
            raise CheckpointError(f"{error}; {FORK}") from None
    foreign = foreign_files.of_keys(str(key) for key in value) if isinstance(value, dict) else ""
    if foreign:
        raise CheckpointError(f"expected {KINDS}; got {window.path}, {foreign}")
    keys = ", ".join(shown(key) for key in list(value)[:6]) if isinstance(value, dict) else type(value).__name__
    raise CheckpointError(f"expected {KINDS}; got {window.path} with {keys or 'nothing'} in it")


def _value(window: Window) -> Any:
    """What the file holds, as data."""
    if torch_file.is_zip(window):
        return torch_file.load_zip(window)
    if safetensors_file.is_one(window):
        return safetensors_file.load(window)
    if torch_file.is_row(window):
        return torch_file.load_row(window)
    if window.data[window.begin : window.begin + 1] in _PICKLES:
        return nvidia.load(window)
    raise CheckpointError(f"expected {KINDS}; got {window.path}, which is none of these, or damaged")


def _tensors(value: Any, window: Window) -> dict[str, Weight]:
    if not isinstance(value, dict) or not all(isinstance(weight, Weight) for weight in value.values()):
        raise CheckpointError(f"expected tensors by name in {window.path}; got something else")
    return value
