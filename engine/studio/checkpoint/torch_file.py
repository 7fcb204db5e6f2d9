"""PyTorch's own files, read as data: the zip of today, the row of pickles of before 1.6, storages in other pickles."""

from typing import Any

import torch

from engine.studio.checkpoint.bounded_reader import CheckpointError, Window, shown
from engine.studio.checkpoint.lazy_tensor import Storage
from engine.studio.checkpoint.pickle_allowlist import PLAIN
from engine.studio.checkpoint.unpickler import Table, Unpickler
from engine.studio.checkpoint.zip_directory import entries

ZIP = b"PK\x03\x04"
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def is_zip(window: Window) -> bool:
    """Whether the file begins as a zip does."""
    return window.data[window.begin : window.begin + 4] == ZIP


def is_row(window: Window) -> bool:
    """Whether the file begins with the magic number of torch.save before 1.6."""
    return window.data.find(MAGIC.to_bytes(10, "little"), window.begin, window.begin + 16) >= 0


def load_zip(window: Window) -> Any:
    """The object in a zip made by torch.save, its tensors as `Weight`s. Raises CheckpointError."""
    found = entries(window)
    name = next((name for name in found if name.endswith("/data.pkl") and name.count("/") == 1), None)
    if name is None:
        raise CheckpointError(
            f"expected a PyTorch checkpoint in the zip {window.path}; got none (no data.pkl in it): unpack it"
            " and import the checkpoint that it holds"
        )
    folder = name.removesuffix("data.pkl")
    order = found.get(f"{folder}byteorder")
    if order is not None and order.fresh().read(min(len(order), 16)) != b"little":
        raise CheckpointError(f"expected little-endian numbers in {window.path}; got others")
    storages: dict[str, Storage] = {}

    def storage(identity: Any) -> Storage:
        dtype, key, count = _identity(identity)
        if key not in storages:
            if f"{folder}data/{key}" not in found:
                raise CheckpointError(f"expected the numbers {shown(key)} in {window.path}; got none: it was cut off or damaged")
            storages[key] = Storage(dtype, count, window.path)
            storages[key].bind(found[f"{folder}data/{key}"])
        return _same(storages[key], dtype, count)

    return Unpickler(found[name].fresh(), PLAIN, storage).load()


def load_row(window: Window, table: Table = PLAIN) -> Any:
    """The object in a file of torch.save before 1.6: pickles, then each storage's length and numbers. Raises CheckpointError."""
    storages: dict[str, Storage] = {}

    def storage(identity: Any) -> Storage:
        dtype, key, count = _identity(identity)
        return _same(storages.setdefault(key, Storage(dtype, count, window.path)), dtype, count)

    if Unpickler(window, table).load() != MAGIC or Unpickler(window, table).load() != PROTOCOL:
        raise CheckpointError(f"expected a PyTorch checkpoint in {window.path}; got another pickle, or another version")
    system = Unpickler(window, table).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError(f"expected little-endian numbers in {window.path}; got others")
    value = Unpickler(window, table, storage).load()
    keys = Unpickler(window, table).load()
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise CheckpointError(f"expected the numbers of all storages in {window.path}; got others: it is damaged")
    for key in keys:
        if window.number(8) != storages[key].count:
            raise CheckpointError(
                f"expected {storages[key].count} numbers in a storage of {window.path}; got others: it is damaged"
            )
        storages[key].bind(window.part(storages[key].count * storages[key].dtype.itemsize))
    return value


def _identity(identity: Any) -> tuple[torch.dtype, str, int]:
    """What a persistent id says of a storage: its type, name, and how many numbers it has."""
    kind, dtype, key, _, count, *view = identity
    if kind != "storage" or not isinstance(dtype, torch.dtype) or type(key) is not str or type(count) is not int or count < 0:
        raise TypeError("a persistent id that is no storage")
    if view not in ([], [None]):
        raise ValueError("a view of another storage")
    return dtype, key, count


def _same(storage: Storage, dtype: torch.dtype, count: int) -> Storage:
    if (storage.dtype, storage.count) != (dtype, count):
        raise ValueError("one storage under two types or sizes")
    return storage
