"""Writes a found network as a model of ours: every tensor checked, the folder complete before it takes its place."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from engine.core.network import Network
from engine.core.registry import lookup
from engine.studio.card_file import CARD
from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.found_network import Found
from engine.studio.pace import Pace

LEFT_S = 3600.0  # a folder begun so long ago is nobody's work any more
_NAMED = 5  # names in an error


class _Hollow(TorchFunctionMode):
    """While it is on, tensors are made but not filled: a network's shapes at no cost, before any is known to be right.

    The "meta" device would do that too, but at its first use PyTorch loads its compiler, which takes a second and 80 MB.
    """

    _DRAWN = (torch.randn, torch.rand, torch.ones)
    _FILLED = (Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_)

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        given = dict(kwargs or {})
        if func in self._FILLED:
            return args[0]
        if func in self._DRAWN:
            given.pop("generator", None)
            func = torch.empty
        return func(*args, **given)


def blank(found: Found, path: Path) -> Network:
    """The architecture, its numbers whatever was in memory. Raises CheckpointError for settings that are none's."""
    try:
        with _Hollow():
            network: Network = lookup("architecture", found.architecture).from_config(found.config)
    except (LookupError, TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        said = f"{type(error).__name__}: {error}"
        raise CheckpointError(
            f"expected a network {found.architecture!r} in {path}; got settings that are none's ({said})"
        ) from error
    return network


def compare(found: Found, network: Network, path: Path) -> None:
    """Raises CheckpointError for names and shapes that are not the network's."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: weight.shape for name, weight in found.weights.items()}
    for what, names in (("no", wanted.keys() - given.keys()), ("unknown tensors", given.keys() - wanted.keys())):
        if names:
            listed = ", ".join(sorted(names)[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            raise CheckpointError(f"expected the weights of {found.architecture} in {path}; got {what} {listed}")
    for name, shape in wanted.items():
        if given[name] != shape:
            raise CheckpointError(f"expected {name} of shape {list(shape)} in {path}; got {list(given[name])}")


def halves(network: Network) -> set[str]:
    """The tensors that the network has in half precision when it is; it is afterwards."""
    return {name for name, tensor in network.half().state_dict().items() if tensor.dtype == torch.float16}


def converted(found: Found, path: Path, say: Callable[[str], None] = lambda said: None) -> dict[str, Tensor]:
    """The tensors to write, in float32; `say` is told how far it is. Raises CheckpointError for NaN and infinity."""
    pace = Pace(len(found.weights), "tensors", say)
    tensors: dict[str, Tensor] = {}
    for name, weight in found.weights.items():
        try:
            tensor = weight.read()
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"expected readable weights in {path}; got {name}: {error}") from error
        if tensor.is_floating_point():
            if not bool(torch.isfinite(tensor).all()):
                raise CheckpointError(f"expected finite weights in {path}; got NaN or infinity in {name}")
            tensor = tensor.float()
        tensors[name] = tensor.contiguous()
        pace.step()
    return tensors


def narrowed(tensors: dict[str, Tensor], small: set[str]) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors, those of `small` in half precision, and the names of such as it cannot hold, which stay float32."""
    halved = {name: tensor.half() if name in small else tensor for name, tensor in tensors.items()}
    kept = [name for name in tensors if name in small and not bool(torch.isfinite(halved[name]).all())]
    return {**halved, **{name: tensors[name] for name in kept}}, kept


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
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a process that was killed
        if left.is_dir() and time.time() - left.stat().st_mtime > LEFT_S:
            shutil.rmtree(left, ignore_errors=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        for file in beside.iterdir():
            file.chmod(0o666 & ~_umask())
        if folder.exists():
            for file in sorted(beside.iterdir(), key=lambda file: file.name == CARD):
                os.replace(file, folder / file.name)
        else:
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _umask() -> int:
    """The user's mask for new files; mkdtemp and safetensors make such as only the user may read."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
