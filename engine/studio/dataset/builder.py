"""Makes a dataset of a folder of a user's own pictures: all of one size, near-duplicates left out, licences kept.

FOLDER/<class>/...            the pictures; a folder without such folders is one class
DATA/making.jsonl             what has been done so far; a run that was killed goes on from there
DATA/left-out.csv             which files are not in the dataset, and why
DATA/dataset.json             written last: only a whole dataset has one
"""

import csv
import hashlib
import io
import json
import os
import re
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from engine.studio.dataset.dataset import LISTING, DatasetError
from engine.studio.dataset.licences import NAME, UNSTATED, Licence, read_licences
from engine.studio.dataset.near_duplicates import Prints, fingerprint
from engine.studio.dataset.picture_decoding import PictureError, fit, read_picture
from engine.studio.dataset.progress_log import Journal

JOURNAL, LEFT_OUT = "making.jsonl", "left-out.csv"
Result = TypeVar("Result")
WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it."""

    pictures: dict[str, int]  # by class
    held: int
    left_out: dict[str, int]  # by reason
    unlicensed: int  # pictures whose licence is not stated
    unmatched: int  # rows of the table of licences that name no file


def make(
    folder: Path,
    data: Path,
    size: tuple[int, int],
    held: float = 0.05,
    licences: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Made:
    """Make the dataset `data` of the pictures in `folder`, each cropped to `size` (width, height); go on where a run was killed.

    `held` is the share of each class's pictures that is kept for judging, by source. `progress` gets (files done, files in all).
    Raises DatasetError when nothing is usable, and when `data` is there already and was made otherwise; nothing is overwritten.
    """
    files = find_files(folder, data)
    licences = licences or (folder / NAME if (folder / NAME).is_file() else None)
    table = read_licences(licences) if licences else {}
    if data.exists() and not (data / JOURNAL).exists() and (not data.is_dir() or any(data.iterdir())):
        raise DatasetError(f"expected a new or empty folder, or one that this command began; got {data}")
    data.mkdir(parents=True, exist_ok=True)
    journal = Journal(data / JOURNAL, {"folder": str(folder.resolve()), "width": size[0], "height": size[1], "held": held})
    try:
        rows = _process(folder, data, size, files, journal, progress)
    finally:
        journal.close()
    return _finish(folder, data, size, rows, table, held)


def find_files(folder: Path, data: Path) -> dict[str, str]:
    """All files below `folder` (relative, sorted) and the class of each, without hidden ones and the table of licences."""
    if not folder.is_dir():
        raise DatasetError(f"expected a folder of pictures; got {folder}")
    if data.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"expected a dataset outside {folder}; got {data}")
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        at = Path(where).relative_to(folder)
        found += [(at / name).as_posix() for name in names if not name.startswith(".") and (folder / at / name).is_file()]
    found = sorted(name for name in found if name != NAME)
    if not found:
        raise DatasetError(f"expected pictures in {folder}; got an empty folder")
    nested = any("/" in name for name in found)
    return {name: name.split("/")[0] if "/" in name else "" if nested else folder.resolve().name for name in found}


def _process(
    folder: Path,
    data: Path,
    size: tuple[int, int],
    files: dict[str, str],
    journal: Journal,
    progress: Callable[[int, int], None],
) -> list[dict[str, Any]]:
    """The line of every file, sorted: first come those of the journal, then what is left to do is done and added to it."""
    prints, kept, used = Prints(), [], set[str]()
    lines: list[dict[str, Any]] = []

    def settle(line: dict[str, Any]) -> None:
        lines.append(line)
        if "file" in line:
            prints.add(line["print"])
            kept.append(line["from"])
            used.add(line["file"].casefold())
        progress(len(lines), len(files))

    def prepare(name: str) -> Image.Image | PictureError:
        """The picture at its size, or why there is none."""
        try:
            if not files[name]:
                raise PictureError("beside the folders of the classes")
            return fit(read_picture(folder / name, size), *size)
        except PictureError as error:
            return error

    for line in journal.lines:
        if line["from"] not in files or line["stamp"] != _stamp(folder / line["from"]):
            raise DatasetError(
                f"expected {folder / line['from']} as it was when {data} was begun; choose another folder for the data"
            )
        if "file" in line and not (data / line["file"]).is_file():
            raise DatasetError(
                f"expected {data / line['file']}, made earlier; it is not there. Choose another folder for the data"
            )
        settle(line)
    left = {name: files[name] for name in files.keys() - {line["from"] for line in lines}}
    if left and (data / LISTING).exists():
        raise DatasetError(f"expected no new pictures in {folder} since {data} was made; choose another folder for the data")
    left = dict(sorted(left.items()))
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")  # Pillow's on large pictures and odd metadata: what matters of it is in left-out.csv
        for name, result in zip(left, _in_order(pool, prepare, left), strict=True):
            line = {"from": name, "class": files[name], "stamp": _stamp(folder / name)}
            if isinstance(result, PictureError):
                line["why"] = str(result)
            else:
                line["print"] = fingerprint(result)
                near = prints.nearest(line["print"])
                if near:
                    line["why"] = f"near-duplicate of {kept[near[0]]} ({near[1]} of 64 bits differ)"
                else:
                    line["file"] = _free_name(files[name], Path(name).stem, used)
                    line["sha256"] = _write_png(data / line["file"], result)
            journal.add(line)
            settle(line)
    return sorted(lines, key=lambda line: str(line["from"]))


def _finish(
    folder: Path, data: Path, size: tuple[int, int], rows: list[dict[str, Any]], table: dict[str, Licence], held: float
) -> Made:
    """Write left-out.csv and dataset.json."""
    out, kept = [row for row in rows if "why" in row], [row for row in rows if "file" in row]
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\n")
    sheet.writerow(("file", "reason"))
    sheet.writerows((row["from"], row["why"]) for row in out)
    write_beside(data / LEFT_OUT, text.getvalue().encode("utf-8", "backslashreplace"))
    if not kept:
        raise DatasetError(
            f"expected pictures of {size[0]}x{size[1]} or larger in {folder}; got none: {data / LEFT_OUT} says why"
        )
    pictures = []
    for row in kept:
        licence = table.get(row["from"], Licence())
        named = {"file": row["file"], "class": row["class"], "split": "train", "source": licence.source or row["from"]}
        pictures.append(
            {**named, "licence": licence.licence, "sha256": row["sha256"], "author": licence.author, "original": row["from"]}
        )
    for chosen in held_sources(pictures, held):
        for picture in pictures:
            if picture["source"] == chosen:
                picture["split"] = "held"
    write_listing(data, size, sorted({row["class"] for row in kept}), pictures)
    return Made(
        dict(sorted(Counter(row["class"] for row in kept).items())),
        sum(picture["split"] == "held" for picture in pictures),
        dict(Counter(re.split(r":| of ", row["why"])[0] for row in out)),
        sum(picture["licence"] == UNSTATED for picture in pictures),
        len(table.keys() - {row["from"] for row in rows}),
    )


def held_sources(pictures: list[dict[str, Any]], share: float) -> list[str]:
    """The sources to hold out: of each class whole sources, in a fixed shuffled order, up to `share` of its pictures."""
    held: dict[str, None] = {}
    for name in sorted({picture["class"] for picture in pictures}):
        counts = Counter(picture["source"] for picture in pictures if picture["class"] == name)
        order = sorted(counts, key=lambda source: hashlib.sha256(source.encode("utf-8", "surrogateescape")).digest())
        goal, have = round(share * counts.total()), sum(counts[source] for source in order if source in held)
        free = [source for source in order if source not in held]
        for source in free[:-1]:
            if have + counts[source] <= goal:
                held[source], have = None, have + counts[source]
    return list(held)


def write_listing(data: Path, size: tuple[int, int], classes: list[str], pictures: list[dict[str, Any]]) -> None:
    """Write dataset.json, one line a picture."""
    head = json.dumps({"width": size[0], "height": size[1], "classes": classes})[:-1]
    lines = ",\n".join(json.dumps(picture) for picture in pictures)
    write_beside(data / LISTING, f'{head}, "pictures": [\n{lines}\n]}}\n'.encode())


def write_beside(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all: beside its place, then renamed."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)


def slug(text: str) -> str:
    """`text` as part of a file's name on any system."""
    return re.sub(r"[^\w.+-]+", "-", text, flags=re.ASCII).strip(".-") or "x"


def _free_name(class_name: str, stem: str, used: set[str]) -> str:
    base = f"pictures/{slug(class_name)}/{slug(stem)[:80]}"
    name, number = f"{base}.png", 1
    while name.casefold() in used:
        number += 1
        name = f"{base}-{number}.png"
    return name


def _write_png(path: Path, picture: Image.Image) -> str:
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_beside(path, packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def _stamp(path: Path) -> list[int]:
    """What changes when a file does."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]


def _in_order(pool: ThreadPoolExecutor, work: Callable[[str], Result], names: Iterable[str]) -> Iterator[Result]:
    """Results in the order of `names`, at most two a worker ahead, so that pictures do not pile up."""
    coming = iter(names)
    waiting: deque[Future[Result]] = deque(pool.submit(work, name) for name in islice(coming, 2 * WORKERS))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(work, name) for name in islice(coming, 1))
