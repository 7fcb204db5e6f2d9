"""Names for what a show writes: dated, and never one that is taken."""

import time
from collections.abc import Collection
from pathlib import Path


def unused(path: Path, given: Collection[Path] = ()) -> Path:
    """`path`, numbered if there is such a file, or it is among those `given` already: show.mp4, show-2.mp4, ..."""
    number, found = 1, path
    while found.exists() or found in given:
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


class Filenames:
    """Names in one folder; a file need not be there yet for its name to be taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: set[Path] = set()

    def new(self, ending: str) -> Path:
        """A name of this second that ends in `ending`, as `.png`."""
        path = unused(self._folder / time.strftime(f"clavilux-%Y%m%d-%H%M%S{ending}"), self._given)
        self._given.add(path)
        return path
