"""Compiled models: what a runtime made of a model once, kept between shows, and trusted only while it is what was written.

What is kept is named by a hash of all that it depends on, so that anything else is made anew beside it. Every file is
compared with the hash that was noted when it was written before any library reads it: a damaged engine is refused, and one
of another card or another version is never found in the first place.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.resources import cache_folder

KEPT = 4  # of one model and runtime
ABANDONED_S = 3600.0  # what was not finished by then belongs to a process that was killed
MANIFEST, MANIFEST_LIMIT = "manifest.json", 1 << 20
_LONGEST, _DIGITS = 64, 16  # of a folder's name: characters of the model's, and of a hash


class DamagedError(RuntimeError):
    """A compiled model that is not what was written; the message names the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model compiled for one runtime. `facts` are all that it depends on."""

    runtime: str
    name: str  # the model's, which may hold anything
    facts: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where it is kept, whether it is there or not."""
        digest = hashlib.sha256(json.dumps(sorted(self.facts.items())).encode()).hexdigest()[:_DIGITS]
        return cache_folder() / "compiled" / self.runtime / f"{self._plain}-{digest}"

    @property
    def ready(self) -> bool:
        """Whether it was compiled; not yet whether it is whole."""
        return (self.folder / MANIFEST).is_file()

    def check(self) -> Mapping[str, Any]:
        """Compare every file with its hash; the manifest's notes. Raises DamagedError."""
        file = self.folder / MANIFEST
        try:
            if file.stat().st_size > MANIFEST_LIMIT:
                raise DamagedError(f"expected a manifest of at most {MANIFEST_LIMIT} bytes in {file}; got a larger one")
            manifest = json.loads(file.read_text(encoding="utf-8"))
            facts, files, notes = dict(manifest["facts"]), dict(manifest["files"]), dict(manifest["notes"])
            found = {path.name: _hash(path) for path in sorted(self.folder.iterdir()) if path.name in files}
        except DamagedError:
            raise
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise DamagedError(f"expected a manifest and its files in {self.folder}; got {error!r}") from error
        if facts != dict(self.facts):
            raise DamagedError(f"expected what was made of {dict(self.facts)} in {self.folder}; got {facts}")
        for name, expected in files.items():
            if found.get(name) != expected:
                raise DamagedError(f"expected sha256 {expected} of {self.folder / name}; got {found.get(name, 'no file')}")
        return notes

    def put(self, write: Callable[[Path], Mapping[str, Any]]) -> None:
        """Have `write` fill a folder and return notes for the manifest; put the whole in place at once.

        One that is there already, written by another process from the same facts, stays.
        """
        part = self.folder.with_name(f"{self.folder.name}.{os.getpid()}.part")
        part.mkdir(parents=True)
        try:
            notes = write(part)
            files = {path.name: _hash(path) for path in sorted(part.iterdir())}
            manifest = {"facts": dict(self.facts), "files": files, "notes": dict(notes)}
            (part / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
            try:
                part.rename(self.folder)
            except OSError:
                if not self.ready:
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._tidy()

    def drop(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _plain(self) -> str:
        """The name as part of a folder's name that means nothing but itself."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.name)[:_LONGEST]

    def _tidy(self) -> None:
        """Of this model only the newest stay, and nothing half-written of any."""
        shelf = self.folder.parent
        known = sorted(shelf.glob(f"{self._plain}-{'[0-9a-f]' * _DIGITS}"), key=lambda path: path.stat().st_mtime)
        left = (path for path in shelf.glob("*.part") if time.time() - path.stat().st_mtime > ABANDONED_S)
        for old in (*known[:-KEPT], *left):
            shutil.rmtree(old, ignore_errors=True)


def _hash(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
