"""What has been done so far of a long piece of work: a file of JSON lines, from which it goes on after a kill.

The first line holds the settings that the work was begun with. A line that a kill cut short does not count.
"""

import json
from pathlib import Path
from typing import Any


class Journal:
    """The journal in `path`, begun with `settings` where there is none. `lines` is what it holds beyond the settings.

    Raises ValueError when the journal that is there was begun with other settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        whole = path.read_bytes().rpartition(b"\n")[0].splitlines() if path.exists() else []
        try:
            found = [json.loads(line) for line in whole]
        except ValueError as error:
            raise ValueError(f"expected a line of JSON for everything done in {path}; got {error}") from error
        if found and found[0] != settings:
            differing = [
                f"{key} {found[0].get(key)!r}, not {settings[key]!r}" for key in settings if found[0].get(key) != settings[key]
            ]
            raise ValueError(
                f"expected the settings that {path.parent} was begun with ({'; '.join(differing)}); choose another folder"
            )
        self.lines: list[dict[str, Any]] = found[1:]
        if not found:
            path.write_text(json.dumps(settings) + "\n")
        else:
            with path.open("rb+") as opened:  # what follows the last whole line goes
                opened.truncate(sum(len(line) + 1 for line in whole))
        self._file = path.open("a", encoding="ascii")

    def add(self, line: dict[str, Any]) -> None:
        """Note one thing done. It survives a kill of this process."""
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
