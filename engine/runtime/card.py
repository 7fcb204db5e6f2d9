"""A model's folder: the card, model.toml, and the weights that it vouches for."""

import hashlib
import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from engine.core.registry import renamed
from engine.core.resources import model_name
from engine.core.types import Directions, GeneratorInfo

GENERATOR, DIRECTIONS = "weights.safetensors", "directions.safetensors"
NUDGE = "nudge"  # the live input that takes a direction of w
_KINDS = {str: "a text", int: "a number above 0", list: "a list", dict: "a table"}
CARD_LIMIT = 1 << 20  # bytes; a thousand class names take some 20 KiB
HEADER_LIMIT = 2 << 20  # bytes; a thousand tensors take some 100 KiB
LATENT_LIMIT = 1 << 16  # numbers
NOISE_LIMIT = 1 << 26
SIDE_LIMIT = 16384  # pixels: a frame, four bytes a pixel, then takes a gigabyte at most
_DTYPE_BYTES = {"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
_DTYPE_BYTES |= {"I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}
_MOST_DIMENSIONS = 8


class CardError(ValueError):
    """A model that cannot be used; the message names the file, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of weights, as the card describes it."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What model.toml says. `config` belongs to the architecture and is passed to its `from_config`."""

    folder: Path
    name: str
    architecture: str
    classes: tuple[str, ...]
    z_size: int
    noise_shape: tuple[int, ...]
    resolution: tuple[int, int]  # width, height
    config: dict[str, Any]
    weights: tuple[WeightFile, ...]
    extra_inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)  # further inputs of the network
    directions: tuple[str, tuple[str, ...]] | None = None  # their space, z or w, and names
    patch: str = ""  # the patch that plays it where nobody names one; empty: one that knows its classes, or any

    def info(self, runtime: str) -> GeneratorInfo:
        """What the model offers when `runtime` executes it."""
        return GeneratorInfo(
            name=model_name(self.folder),
            architecture=self.architecture,
            runtime=runtime,
            z_size=self.z_size,
            noise_shape=self.noise_shape,
            class_names=self.classes,
            resolution=self.resolution,
            extra_inputs=self.extra_inputs,
            directions=self.load_directions(),
            patch=self.patch,
        )

    @property
    def sha256(self) -> str:
        """The hash of the generator's weights."""
        return next(item.sha256 for item in self.weights if item.file == GENERATOR)

    def verify(self) -> None:
        """Compare every weight file that is there with the card. Raises CardError."""
        for item in self.weights:
            if item.file == GENERATOR or (self.folder / item.file).exists():
                _check_file(self.folder / item.file, item)

    def load(self) -> dict[str, NDArray[Any]]:
        """The generator's tensors by name, in their stored types. Raises CardError for bad files, NaN and infinity."""
        return self._tensors(GENERATOR)

    def load_directions(self) -> Directions | None:
        """The named directions of the model's latent space, if it has any. Raises CardError."""
        if self.directions is None:
            return None
        space, names = self.directions
        vectors = self._tensors(DIRECTIONS).get("directions", np.zeros(0)).astype(np.float32)
        size = self.z_size if space == "z" else math.prod(self.extra_inputs[NUDGE])
        if vectors.shape != (len(names), size):
            where = f"{len(names)} directions of {size} numbers in {self.folder / DIRECTIONS}"
            raise CardError(f"expected {where}; got an array of {vectors.shape}")
        return Directions(space, names, vectors)

    def _tensors(self, name: str) -> dict[str, NDArray[Any]]:
        file = self.folder / name
        _check_file(file, next(item for item in self.weights if item.file == name))
        try:
            with safe_open(file, framework="numpy") as opened:
                tensors = {key: opened.get_tensor(key) for key in opened.offset_keys()}
        except (SafetensorError, TypeError, MemoryError) as error:
            raise CardError(f"expected well-formed safetensors in {file}; got {error}") from error
        for key, tensor in tensors.items():
            if tensor.dtype.kind not in "fiub":  # other packages teach numpy more kinds
                raise CardError(f"expected numbers of a kind that numpy has in {file}; got {tensor.dtype} in {key}")
            # A sum meets every NaN and infinity without a temporary array of the same size.
            with np.errstate(invalid="ignore", over="ignore"):
                summed = np.add.reduce(tensor, axis=None, dtype=np.float64) if tensor.dtype.kind == "f" else 0.0
            if not np.isfinite(summed):
                raise CardError(f"expected finite weights in {file}; got NaN or infinity in {key}")
        return tensors


def load_card(folder: Path, verify: bool = True) -> ModelCard:
    """Read `folder`/model.toml; with `verify`, also check the weight files' sizes, hashes and headers. Raises CardError."""
    file = folder / "model.toml"
    try:
        if file.exists() and not file.is_file():
            raise CardError(f"expected a model's card in {file}; got no plain file")
        if file.stat().st_size > CARD_LIMIT:
            raise CardError(f"expected a model's card of at most {CARD_LIMIT} bytes in {file}; got {file.stat().st_size}")
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except CardError:
        raise
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, a number of thousands of digits
        raise CardError(f"expected a model's card in {file}; got {error}") from error
    entry = _Entry(file, table)
    resolution = entry.sizes("resolution")
    if len(resolution) != 2 or max(resolution) > SIDE_LIMIT:
        raise CardError(f"expected resolution = [width, height], up to {SIDE_LIMIT}, in {file}; got {list(resolution)}")
    z_size, noise_shape = entry.get("z_size", int), entry.sizes("noise_shape")
    if z_size > LATENT_LIMIT or math.prod(noise_shape) > NOISE_LIMIT:
        limits = f"z_size up to {LATENT_LIMIT} and a noise_shape of up to {NOISE_LIMIT} numbers"
        raise CardError(f"expected {limits} in {file}; got {z_size} and {list(noise_shape)}")
    classes = entry.get("classes", list)
    if not classes or not all(isinstance(name, str) for name in classes):
        raise CardError(f"expected classes to be a list of names in {file}; got {classes!r}")
    rows = [_Entry(file, row) for row in entry.get("weights", list) if isinstance(row, dict)]
    weights = tuple(WeightFile(row.get("file", str), row.get("sha256", str), row.get("bytes", int)) for row in rows)
    for item in weights:
        if Path(item.file).name != item.file:
            raise CardError(f"expected weights beside the card in {file}; got file = {item.file!r}")
    if GENERATOR not in {item.file for item in weights}:
        raise CardError(f"expected [[weights]] with file = {GENERATOR!r} in {file}; got {[item.file for item in weights]}")
    architecture = entry.get("architecture", str)
    if not architecture.isidentifier():
        raise CardError(f"expected architecture to be a name in {file}; got {architecture!r}")
    extra_inputs = _extra_inputs(entry)
    card = ModelCard(
        folder=folder.resolve(),
        name=entry.get("name", str),
        architecture=architecture,
        classes=tuple(classes),
        z_size=z_size,
        noise_shape=noise_shape,
        resolution=(resolution[0], resolution[1]),
        config=entry.get("config", dict),
        weights=weights,
        extra_inputs=extra_inputs,
        patch=entry.get("patch", str) if "patch" in entry.table else "",
        directions=_directions(entry, extra_inputs, {item.file for item in weights}),
    )
    if verify:
        card.verify()
    return card


class _Entry:
    """A table of the card whose entries are checked as they are read."""

    def __init__(self, file: Path, table: dict[str, Any]) -> None:
        self.file, self.table = file, table

    def get(self, key: str, kind: type) -> Any:
        value = self.table.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 1):
            found = "nothing" if value is None else repr(value)
            raise CardError(f"expected {key} to be {_KINDS[kind]} in {self.file}; got {found}")
        return value

    def sizes(self, key: str) -> tuple[int, ...]:
        values = self.get(key, list)
        if not all(isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 65536 for value in values):
            raise CardError(f"expected {key} to be sizes of 1..65536 in {self.file}; got {values!r}")
        return tuple(values)


def _extra_inputs(entry: _Entry) -> dict[str, tuple[int, ...]]:
    """[extra_inputs], which was [live] once: the network's further inputs by the names that they have now, and their shapes."""
    key = "extra_inputs" if "extra_inputs" in entry.table or "live" not in entry.table else "live"
    if key not in entry.table:
        return {}
    table = _Entry(entry.file, entry.get(key, dict))
    now = renamed("input")
    found = {now.get(name, name): table.sizes(name) for name in table.table}
    if not all(name.isidentifier() for name in found) or sum(math.prod(shape) for shape in found.values()) > LATENT_LIMIT:
        raise CardError(f"expected [extra_inputs] of up to {LATENT_LIMIT} numbers, named, in {entry.file}; got {found}")
    return found


def _directions(entry: _Entry, extra_inputs: dict[str, tuple[int, ...]], files: set[str]) -> tuple[str, tuple[str, ...]] | None:
    """[directions]: the space they are in, and their names."""
    if "directions" not in entry.table:
        return None
    table = _Entry(entry.file, entry.get("directions", dict))
    space, names = table.get("space", str), table.get("names", list)
    if space not in ("z", "w") or (space == "w" and NUDGE not in extra_inputs) or DIRECTIONS not in files:
        needs = f'space = "z", or "w" with a live input {NUDGE}, and [[weights]] with file = {DIRECTIONS!r}'
        raise CardError(f"expected {needs} in {entry.file}; got space = {space!r}, {sorted(extra_inputs)} and {sorted(files)}")
    if not names or not all(isinstance(name, str) and name for name in names):
        raise CardError(f"expected names of directions in {entry.file}; got {names!r}")
    return space, tuple(names)


def _check_file(path: Path, item: WeightFile) -> None:
    try:
        size = path.stat().st_size
        if size != item.bytes:
            raise CardError(f"expected {item.bytes} bytes in {path}; got {size}: it is not whole, or of another version")
        with path.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if not 2 <= length <= min(HEADER_LIMIT, size - 8):
                raise CardError(f"expected a safetensors header of at most {HEADER_LIMIT} bytes in {path}; got one of {length}")
            _check_header(path, opened.read(length), size - 8 - length)
            opened.seek(0)
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise CardError(f"expected weights in {path}; got {error}") from error
    if found != item.sha256.lower():
        raise CardError(f"expected sha256 {item.sha256} of {path}; got {found}: the file was changed or damaged")


def _check_header(path: Path, header: bytes, size: int) -> None:
    """Refuse tensors that overlap, or are not as large as they say, before any of the `size` bytes of data is touched."""
    try:
        table = {key: entry for key, entry in json.loads(header).items() if key != "__metadata__"}
        spans = sorted(tuple(entry["data_offsets"]) for entry in table.values())
        whole = all(begin == end for (_, end), (begin, _) in zip([(0, 0), *spans], spans, strict=False))
        wrong = next((key for key, entry in table.items() if not _fits(entry)), None)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CardError(f"expected a safetensors header of JSON in {path}; got {error!r}") from error
    if not whole:
        raise CardError(f"expected tensors one after another in {path}; got some that overlap or leave gaps")
    if wrong is not None:
        raise CardError(
            f"expected well-formed safetensors in {path}; got a type or shape of {wrong} that is not that of its data"
        )
    if (spans[-1][1] if spans else 0) != size:
        raise CardError(f"expected well-formed safetensors in {path}; got {size} bytes of data, which its header does not name")


def _fits(entry: dict[str, Any]) -> bool:
    """Whether a tensor's type and shape take as many bytes as its span."""
    shape, (begin, end) = entry["shape"], entry["data_offsets"]
    if len(shape) > _MOST_DIMENSIONS or min(shape, default=0) < 0:
        return False
    return bool(math.prod(shape) * _DTYPE_BYTES.get(entry["dtype"], 0) == end - begin and entry["dtype"] in _DTYPE_BYTES)
