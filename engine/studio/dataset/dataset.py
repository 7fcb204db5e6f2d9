"""A dataset as training and evaluation read it: a folder of pictures of one size, and dataset.json, which lists them.

    dataset.json                  {"width": 448, "height": 288, "classes": [...], "pictures": [{...}, ...]}
    pictures/<class>/<name>.png   or .webp; every picture is width x height

Each entry of "pictures" has the texts file, class, split ("train", or "held": only for judging), source (what the picture
was made from; pictures of one source are in one split), licence and sha256 (of the file), and may have more columns.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

LISTING = "dataset.json"
SPLITS = ("train", "held")
COLUMNS = ("file", "class", "split", "source", "licence", "sha256")
SIDE_LIMIT = 16384  # pixels
LISTING_LIMIT = 256 << 20  # bytes; a hundred thousand pictures take some 30 MiB
Pictures = NDArray[np.uint8]
_FILE = re.compile(r"pictures/(?P<folder>[^/\\\0]+)/[^/\\\0]+\.(png|webp)")


class DatasetError(ValueError):
    """A dataset that cannot be used; the message names the file, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One line of dataset.json. `more` holds the columns beyond the six that every picture has."""

    file: str
    class_name: str
    split: str
    source: str
    licence: str
    sha256: str
    more: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The picture as dataset.json has it."""
        named = dict(zip(COLUMNS, (self.file, self.class_name, self.split, self.source, self.licence, self.sha256), strict=True))
        return named | self.more


class Dataset:
    """The dataset in `folder`. Opening checks dataset.json and that all files are there; pictures are read when asked for.

    Raises DatasetError for anything that is not as this module's first lines have it, OSError for what cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listing = folder / LISTING
        if not listing.is_file():
            raise DatasetError(f"expected a dataset in {folder}; got no {LISTING} there (`clavilux dataset` makes one)")
        if listing.stat().st_size > LISTING_LIMIT:
            raise DatasetError(f"expected at most {LISTING_LIMIT} bytes in {listing}; got {listing.stat().st_size}")
        try:
            found = json.loads(listing.read_bytes())
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"expected JSON in {listing}; got {error}") from error
        if not isinstance(found, dict):
            raise DatasetError(f"expected an object in {listing}; got {type(found).__name__}")
        self.width, self.height = (_side(found.get(key), key, listing) for key in ("width", "height"))
        self.classes = _classes(found.get("classes"), listing)
        rows = found.get("pictures")
        if not isinstance(rows, list) or not rows:
            raise DatasetError(f"expected a list of at least one picture as 'pictures' in {listing}; got {_short(rows)}")
        self.pictures = tuple(_picture(row, i, self.classes, listing) for i, row in enumerate(rows))
        seen: set[str] = set()
        for picture in self.pictures:
            if picture.file in seen:
                raise DatasetError(f"expected each file once in {listing}; got {picture.file!r} twice")
            seen.add(picture.file)
            if not (folder / picture.file).is_file():
                raise DatasetError(f"expected the file {picture.file!r} of {listing}; it is not there")
        index = {name: i for i, name in enumerate(self.classes)}
        self._labels = np.array([index[picture.class_name] for picture in self.pictures], np.int64)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Pictures:
        """The picture (H,W,3), uint8, read from its file now."""
        return self._read(self.pictures[index])

    def __iter__(self) -> Iterator[Pictures]:
        return (self._read(picture) for picture in self.pictures)

    def indices(self, split: str | None = None) -> NDArray[np.int64]:
        """Where in `pictures` those of `split` are (all without one), in order. Raises DatasetError for an unknown split."""
        if split is not None and split not in SPLITS:
            raise DatasetError(f"expected a split of {', '.join(SPLITS)}; got {split!r}")
        return np.array([i for i, picture in enumerate(self.pictures) if split in (None, picture.split)], np.int64)

    def labels(self, indices: Iterable[int] | None = None) -> NDArray[np.int64]:
        """The class of each picture as an index into `classes`: (N,)."""
        return self._labels.copy() if indices is None else self._labels[np.fromiter(indices, np.int64)]

    def stack(self, indices: Iterable[int] | None = None) -> Pictures:
        """Pictures all at once: (N,H,W,3), uint8. All of them without `indices`."""
        chosen = range(len(self)) if indices is None else [int(i) for i in indices]
        out = np.empty((len(chosen), self.height, self.width, 3), np.uint8)
        for place, index in enumerate(chosen):
            out[place] = self[index]
        return out

    def verify(self) -> None:
        """Compare every file with its hash. Raises DatasetError for the first that differs."""
        for picture in self.pictures:
            found = hashlib.sha256((self.folder / picture.file).read_bytes()).hexdigest()
            if found != picture.sha256:
                raise DatasetError(f"expected sha256 {picture.sha256} of {self.folder / picture.file}; got {found}")

    def _read(self, picture: Picture) -> Pictures:
        path = self.folder / picture.file
        try:
            with Image.open(path, formats=("PNG", "WEBP")) as opened:
                if opened.size != (self.width, self.height):  # said by the header: nothing larger is ever unpacked
                    raise DatasetError(f"expected {self.width}x{self.height} pixels in {path}; got {_by(opened.size)}")
                return np.array(opened.convert("RGB"), np.uint8)
        except (UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
            raise DatasetError(f"expected a PNG or WebP picture in {path}; got {error}") from error
        except OSError as error:
            raise DatasetError(f"expected a whole picture in {path}; got {error}") from error


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _side(value: object, key: str, listing: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= SIDE_LIMIT:
        raise DatasetError(f"expected a whole number from 1 to {SIDE_LIMIT} as {key!r} in {listing}; got {_short(value)}")
    return value


def _classes(value: object, listing: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        raise DatasetError(f"expected a list of names as 'classes' in {listing}; got {_short(value)}")
    if len(set(value)) != len(value):
        raise DatasetError(f"expected each class once in {listing}; got {_short(value)}")
    return tuple(value)


def _picture(row: object, number: int, classes: tuple[str, ...], listing: Path) -> Picture:
    where = f"picture {number} of {listing}"
    if not isinstance(row, dict):
        raise DatasetError(f"expected an object as {where}; got {_short(row)}")
    for column in COLUMNS:
        if not isinstance(row.get(column), str):
            raise DatasetError(f"expected a text as {column!r} in {where}; got {_short(row.get(column))}")
    match = _FILE.fullmatch(row["file"])
    if match is None or match["folder"] in (".", ".."):
        raise DatasetError(f"expected pictures/<class>/<name>.png or .webp as 'file' in {where}; got {_short(row['file'])}")
    if row["class"] not in classes:
        raise DatasetError(f"expected one of the {len(classes)} classes in {where}; got {_short(row['class'])}")
    if row["split"] not in SPLITS:
        raise DatasetError(f"expected a split of {', '.join(SPLITS)} in {where}; got {_short(row['split'])}")
    more = {key: value for key, value in row.items() if key not in COLUMNS}
    return Picture(row["file"], row["class"], row["split"], row["source"], row["licence"], row["sha256"], more)
