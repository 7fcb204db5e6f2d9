"""Who made the pictures and under which licence: a table file,licence,author,source that the user may lay beside them."""

import csv
from dataclasses import dataclass
from pathlib import Path

from engine.studio.dataset.dataset import DatasetError

NAME = "licences.csv"
UNSTATED = "not stated"
_COLUMNS = ("file", "licence", "author", "source")


@dataclass(frozen=True, slots=True)
class Licence:
    """One row. `source` groups files that show the same thing (frames of one film): they go into one split."""

    licence: str = UNSTATED
    author: str = ""
    source: str = ""


def read_licences(path: Path) -> dict[str, Licence]:
    """Licences by file, relative to the folder of pictures, with forward slashes.

    Raises DatasetError for a table without the columns file and licence, unknown columns, a file named twice, or no UTF-8.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            rows = csv.DictReader(opened, strict=True)
            names = [name.strip().lower() for name in rows.fieldnames or ()]
            if not {"file", "licence"} <= set(names) <= set(_COLUMNS):
                raise DatasetError(f"expected the columns file,licence and maybe author,source in {path}; got {','.join(names)}")
            rows.fieldnames = names
            found: dict[str, Licence] = {}
            for row in rows:
                if None in row or None in row.values():
                    raise DatasetError(f"expected {len(names)} values in line {rows.line_num} of {path}; got another number")
                text = {key: value.strip() for key, value in row.items()}
                file = text.pop("file").replace("\\", "/").removeprefix("./")
                if file in found:
                    raise DatasetError(f"expected each file once in {path}; got {file!r} again in line {rows.line_num}")
                found[file] = Licence(text["licence"] or UNSTATED, text.get("author", ""), text.get("source", ""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"expected a table in UTF-8 with commas in {path}; got {error}") from error
    return found
