"""The journal: what hands set, on disk within half a second, so that a crashed show comes back as it was.

One file a running show, replaced as a whole: whoever reads it finds the old state or the new one. It is not forced onto
the disk at each save (that is for power cuts, not for crashes; a file they tear is refused), only when the show ends.
"""

import json
import logging
import math
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:  # it would bring numpy into the supervisor
    from engine.core.types import Value

log = logging.getLogger("clavilux.journal")
SWITCHED_ON = "switched_on"  # among the parts: actions whose state is on
OLD_SWITCHES = ("/live", "/record")
SCHEMA = 1
LARGEST = 4 << 20  # bytes; a show of 1,000 classes needs about 50,000
EVERY_S = 0.5
CLOSE_S = 2.0  # for a disk that hangs
SHOWS = 16  # at once on one machine


class JournalError(ValueError):
    """A journal that cannot be taken back; the message says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a show left. `parts` holds what others than the instrument wished to keep; each checks its own."""

    patch: str  # its name on the shelf, or a path
    model: str
    bases: Mapping[str, "Value"]  # address -> base
    parts: Mapping[str, object] = field(default_factory=dict)

    @property
    def switched_on(self) -> tuple[str, ...]:
        """The actions that were on, as recording: they are called again. Journals of older versions have them among the bases."""
        on = self.parts.get(SWITCHED_ON)
        named = [address for address in on if isinstance(address, str)] if isinstance(on, list) else []
        return tuple(dict.fromkeys([*named, *(address for address in OLD_SWITCHES if self.bases.get(address) is True)]))

    def was_off(self, address: str) -> bool:
        """Whether an action is known to have been off."""
        known = SWITCHED_ON in self.parts or address in self.bases
        return known and address not in self.switched_on


def load_journal(path: Path) -> Saved:
    """Read a journal. Raises JournalError for whatever is no whole journal of a version that is understood."""
    try:
        with open(path, "rb", opener=_open_quickly) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise JournalError(f"expected a journal; got {path}, which is no file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise JournalError(f"expected a journal; got {error.strerror or error} from {path}") from None
    if len(data) > LARGEST:
        raise JournalError(f"expected a journal of at most {LARGEST >> 20} MiB; got more from {path}")
    try:
        return _saved(json.loads(data))
    except (ValueError, OverflowError, RecursionError) as error:
        raise JournalError(f"expected a whole journal; got {error or 'nesting without end'} from {path}") from None


def _saved(raw: Any) -> Saved:
    if not isinstance(raw, dict):
        raise ValueError(f"a {type(raw).__name__}")
    schema = raw.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise ValueError(f"schema {str(schema)[:20]}, not {SCHEMA},")
    patch, model, bases, parts = (raw.get(name) for name in ("patch", "model", "bases", "parts"))
    if not isinstance(patch, str) or not isinstance(model, str) or not patch or not model:
        raise ValueError("no names of patch and model")
    if not isinstance(bases, dict) or not isinstance(parts, dict):
        raise ValueError("no tables of bases and parts")
    return Saved(patch, model, {address: _value(address, value) for address, value in bases.items()}, parts)


def _value(address: str, value: object) -> "Value":
    if isinstance(value, list) and all(_number(item) for item in value):
        return tuple(float(item) for item in value)
    if isinstance(value, str) or _number(value):
        return value  # type: ignore[return-value]
    raise ValueError(f"{str(value)[:40]} for {address[:80]}")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)  # OverflowError for 10**400


def _open_quickly(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe in its place must not be waited for


def state_folder() -> Path:
    """Where this system keeps such state: $XDG_STATE_HOME/clavilux on Linux. Raises OSError where there is no home."""
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA", "") or Path.home() / "AppData" / "Local") / "clavilux"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "clavilux"
        return Path(os.environ.get("XDG_STATE_HOME", "") or Path.home() / ".local" / "state") / "clavilux"
    except RuntimeError as error:
        raise OSError(str(error)) from None


class Claim:
    """A journal's file that belongs to one running show, until it is closed or its process dies.

    Files are numbered, and there are few: a show takes the first that is free.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError where nothing can be written."""
        folder.mkdir(0o700, parents=True, exist_ok=True)
        for number in range(1, SHOWS + 1):
            self.path = folder / ("journal.json" if number == 1 else f"journal-{number}.json")
            lock = _locked(self.path)
            if lock is not None:
                self._lock = lock
                break
        else:
            raise OSError(f"expected at most {SHOWS} shows at once; got one more")
        self._before = _fingerprint(self.path)

    @property
    def written(self) -> bool:
        """Whether a journal was saved since."""
        return _fingerprint(self.path) not in (None, self._before)

    def newest(self) -> Path | None:
        """What the last show left: the newest journal that no running show writes."""
        left = []
        for path in self.path.parent.glob("journal*.json"):
            with suppress(OSError):  # another user's, or just gone
                lock = self._lock if path == self.path else _locked(path)
                if lock is not None:
                    left.append((path.stat().st_mtime_ns, path))
                if lock not in (None, self._lock):
                    lock.close()
        return max(left)[1] if left else None

    def close(self) -> None:
        self._lock.close()


def _locked(path: Path) -> IO[bytes] | None:
    """The lock of a journal, or None if another show holds it."""
    file = open(path.with_suffix(".lock"), "ab")  # noqa: SIM115  # closing it gives the lock back
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        return None
    except OSError:
        file.close()
        raise
    return file


def _fingerprint(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def write_whole(path: Path, data: bytes, forced: bool = False) -> None:
    """Put `data` in place of what is at `path`, all of it or nothing; `forced` onto the disk. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            if forced:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


class Journal:
    """Saves what `collect` returns (patch, model, bases) and each part, when anything has changed, on a thread of its own;
    nothing while `collect` has none.

    `say` is told once when it cannot be saved, and once when it can be again; the show goes on either way.
    """

    def __init__(
        self,
        path: Path,
        collect: Callable[[], Mapping[str, object] | None],
        parts: Mapping[str, Callable[[], object]],
        say: Callable[[str], None],
    ) -> None:
        self.saves = 0
        self.save_ms = 0.0  # the newest save's, all of it
        self._path, self._collect, self._parts, self._say = path, collect, dict(parts), say
        self._last: object = None
        self._trouble = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Save once more, for `clavilux play --resume`."""
        self._stop.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self._save()
        self._save(forced=True)

    def _save(self, forced: bool = False) -> None:
        began = time.perf_counter()
        try:
            collected = self._collect()
            if collected is None:
                return
            content = {**collected, "parts": {name: part() for name, part in self._parts.items()}}
            if content == self._last and not forced:
                return
            data = json.dumps({"schema": SCHEMA, **content}, allow_nan=False).encode()
            if len(data) > LARGEST:
                raise ValueError(f"expected a state of at most {LARGEST >> 20} MiB; got {len(data) / (1 << 20):.1f}")
            write_whole(self._path, data, forced)
        except Exception as error:  # a part of the show that cannot be kept must not end the show
            if not self._trouble:
                self._say(f"{error or type(error).__name__}; a crash would now lose what hands set ({self._path})")
                log.debug("journal", exc_info=error)
            self._trouble = str(error) or type(error).__name__
            return
        self._last = content
        self.saves += 1
        self.save_ms = (time.perf_counter() - began) * 1e3
        if self._trouble:
            self._trouble = ""
            self._say(f"what hands set is saved again ({self._path})")
