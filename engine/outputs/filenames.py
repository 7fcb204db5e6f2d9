"""Names for what a show writes: dated, and never one that is taken."""

import contextlib
import time
from pathlib import Path

FILM_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv")


def is_film(path: Path) -> bool:
    """Whether a film of this name can be written; capital letters in its ending are as good."""
    return path.suffix.lower() in FILM_ENDINGS


def unused(path: Path) -> Path:
    """`path`, numbered if there is such a file: show.mp4, show-2.mp4, ..."""
    return _free(path, 1)[0]


def reserved(path: Path, number: int = 1) -> tuple[Path, int]:
    """The same, counting from `number`, taken with an empty file: another show may look for a name at this moment.

    Where no file can be made, the name alone; whoever writes there learns why.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        found, number = _free(path, number)
        try:
            found.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            continue
        except OSError:
            pass
        return found, number


class Filenames:
    """Names in one folder; a still need not be there yet for its name to be taken, and a film's is reserved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: dict[str, tuple[Path, int]] = {}  # by ending: the second's name, and its last number

    def new(self, ending: str) -> Path:
        """A name of this second that ends in `ending`, as `.png`."""
        path = self._folder / time.strftime(f"clavilux-%Y%m%d-%H%M%S{ending}")
        second, last = self._last.get(ending, (path, 0))
        find = reserved if ending in FILM_ENDINGS else _free
        found, number = find(path, last + 1 if second == path else 1)
        self._last[ending] = path, number
        return found


def _free(path: Path, number: int) -> tuple[Path, int]:
    while True:
        found = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if not found.exists():
            return found, number
        number += 1
