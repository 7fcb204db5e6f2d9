"""Writes a found network as a model of ours: every tensor checked, the folder complete before it takes its place."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from engine.generators.network import Network
from engine.registry import lookup
from engine.studio.card_file import CARD
from engine.studio.checkpoint.weights import Found
from engine.studio.checkpoint.window import CheckpointError

_NAMED = 5  # names in an error


def blank(found: Found, path: Path) -> Network:
    """The architecture in half precision and without numbers, so that shapes can be compared before anything is allocated."""
    try:
        with torch.device("meta"):
            network: Network = lookup("architecture", found.architecture).from_config(found.config)
    except (LookupError, TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        said = f"{type(error).__name__}: {error}"
        raise CheckpointError(
            f"expected a network {found.architecture!r} in {path}; got settings that are none's ({said})"
        ) from error
    return network.half()


def converted(found: Found, network: Network, half: bool, path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors to write, and the names of those that half precision cannot hold and which therefore stay float32.

    Raises CheckpointError for names and shapes that are not the network's, and for NaN and infinity.
    """
    wanted = network.state_dict()
    _compare(found, {name: tuple(tensor.shape) for name, tensor in wanted.items()}, path)
    tensors: dict[str, Tensor] = {}
    kept = []
    for name, weight in found.weights.items():
        try:
            tensor = weight.read()
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"expected readable weights in {path}; got {name}: {error}") from error
        if tensor.is_floating_point():
            if not bool(torch.isfinite(tensor).all()):
                raise CheckpointError(f"expected finite weights in {path}; got NaN or infinity in {name}")
            tensor = tensor.float()
            if half and wanted[name].dtype == torch.float16:
                small = tensor.half()
                if bool(torch.isfinite(small).all()):
                    tensor = small
                else:
                    kept.append(name)
        tensors[name] = tensor.contiguous()
    return tensors, kept


def _compare(found: Found, wanted: dict[str, tuple[int, ...]], path: Path) -> None:
    given = {name: weight.shape for name, weight in found.weights.items()}
    for what, names in (("no", wanted.keys() - given.keys()), ("unknown tensors", given.keys() - wanted.keys())):
        if names:
            listed = ", ".join(sorted(names)[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            raise CheckpointError(f"expected the weights of {found.architecture} in {path}; got {what} {listed}")
    for name, shape in wanted.items():
        if given[name] != shape:
            raise CheckpointError(f"expected {name} of shape {list(shape)} in {path}; got {list(given[name])}")


@contextmanager
def new_folder(folder: Path, force: bool) -> Iterator[Path]:
    """A folder beside `folder` to write a model into, which takes its place at the end; on an error it is gone.

    Raises FileExistsError if `folder` is there already. With `force` the model's files replace those of the same names there,
    the card last; other files stay.
    """
    if folder.exists() and not force:
        raise FileExistsError(
            f"expected a new folder for the model; got {folder}, which is there: choose another, or give --force"
        )
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"expected a folder for the model; got {folder}, which is a file")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        if folder.exists():
            for file in sorted(beside.iterdir(), key=lambda file: file.name == CARD):
                os.replace(file, folder / file.name)
        else:
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _umask() -> int:
    """The user's mask for new files; mkdtemp makes folders that only the user may read."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
