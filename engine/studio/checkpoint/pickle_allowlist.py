"""What a checkpoint may be made of: tensors, dicts, numbers of numpy's, and NVIDIA's persistent objects, all as plain data."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from engine.studio.checkpoint.bounded_reader import Window, shown
from engine.studio.checkpoint.lazy_tensor import STORAGES, Storage, Weight
from engine.studio.checkpoint.unpickler import Maker, Table, put

SMALL = 1 << 16  # bytes of a numpy array; sizes and gains are kept in them, never weights


class Namespace(dict[str, Any]):
    """An argparse.Namespace as a dict."""

    def build(self, state: Any) -> None:
        """Take its attributes."""
        put(self, _dict(state).items())


@dataclass(slots=True)
class Kind:
    """A numpy dtype: numbers only."""

    code: str
    order: Literal["<", ">", "|", "="] = "="

    def build(self, state: Any) -> None:
        """Take the byte order."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("a numpy type with fields of its own")
        self.order = state[1]

    def numpy(self) -> np.dtype[Any]:
        """The type itself."""
        return np.dtype(self.code).newbyteorder(self.order)


@dataclass(slots=True)
class Numbers:
    """A small numpy array."""

    values: NDArray[Any] = field(default_factory=lambda: np.zeros(0))

    def build(self, state: Any) -> None:
        """Take (version, shape, type, column order, bytes)."""
        _, shape, kind, columns, data = state
        self.values = _numbers(kind, data, tuple(shape), "F" if columns else "C")


@dataclass(frozen=True, slots=True)
class Persistent:
    """A network or layer of NVIDIA's: its class's name and its attributes. Its source code is dropped."""

    class_name: str
    state: dict[str, Any]


def _dict(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a {type(value).__name__} for a dict")
    return value


def _mapping(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for pairs in arguments:
        put(made, pairs.items() if isinstance(pairs, dict) else pairs)
    return made


def _persistent(arguments: tuple[Any, ...]) -> Persistent:
    (meta,) = arguments
    name, state = _dict(meta).get("class_name"), _dict(meta.get("state"))
    return Persistent(shown(name), state)


def _tensor(arguments: tuple[Any, ...]) -> Weight:
    storage, offset, shape, stride = arguments[:4]
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(stride, tuple):
        raise TypeError("a tensor without a storage")
    return storage.view(offset, shape, stride)


def _parameter(arguments: tuple[Any, ...]) -> Weight:
    if not isinstance(arguments[0], Weight):
        raise TypeError("a parameter without a tensor")
    return arguments[0]


def _kind(arguments: tuple[Any, ...]) -> Kind:
    code = arguments[0]
    if not isinstance(code, str) or len(code) > 4 or np.dtype(code).kind not in "biuf":
        raise ValueError(f"a numpy type {shown(code)}")
    return Kind(code)


def _numbers(kind: Any, data: Any, shape: tuple[int, ...], order: Any = "C") -> NDArray[Any]:
    if not isinstance(kind, Kind) or not isinstance(data, bytes | Window) or len(data) > SMALL:
        raise ValueError("a numpy array without its numbers, or a large one")
    if isinstance(data, Window):
        data.source.spend(text_bytes=len(data))
    raw = data if isinstance(data, bytes) else data.fresh().read(len(data))
    return np.frombuffer(raw, kind.numpy()).reshape(shape, order=order)


def _scalar(arguments: tuple[Any, ...]) -> Any:
    kind, data = arguments
    return _numbers(kind, data, ()).item()


def _encoded(arguments: tuple[Any, ...]) -> bytes:
    text, encoding = arguments
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes that are no latin-1 text")
    return text.encode("latin-1")


def _of(name: str, make: Any) -> dict[tuple[str, str], Any]:
    module, _, last = name.rpartition(".")
    return {(module, last): Maker(name, make)}


PLAIN: Table = {
    **_of("collections.OrderedDict", _mapping),
    **_of("argparse.Namespace", lambda arguments: Namespace()),
    **_of("builtins.set", lambda arguments: list(*arguments)),
    **_of("__builtin__.set", lambda arguments: list(*arguments)),
    **_of("_codecs.encode", _encoded),
    **_of("torch.Size", lambda arguments: tuple(*arguments)),
    **_of("torch._utils._rebuild_tensor", _tensor),
    **_of("torch._utils._rebuild_tensor_v2", _tensor),
    **_of("torch._utils._rebuild_parameter", _parameter),
    **{("torch", f"{name}Storage"): dtype for name, dtype in STORAGES.items()},
    **{("torch.cuda", f"{name}Storage"): dtype for name, dtype in STORAGES.items()},
    ("torch.storage", "UntypedStorage"): torch.uint8,
    ("numpy", "ndarray"): None,
    **_of("numpy.dtype", _kind),
    **{
        key: maker
        for module in ("numpy.core.multiarray", "numpy._core.multiarray")
        for key, maker in {
            **_of(f"{module}.scalar", _scalar),
            **_of(f"{module}._reconstruct", lambda arguments: Numbers()),
        }.items()
    },
}
NVIDIA: Table = {
    **_of("dnnlib.util.EasyDict", _mapping),
    **_of("torch_utils.persistence._reconstruct_persistent_obj", _persistent),
}
