"""Watches the playing patch's file: saved, it is loaded again; a bad one is reported and the old one plays on."""

import threading
from collections.abc import Callable
from pathlib import Path

from engine.control.patch import Patch, load_patch

POLL_S = 0.25


class PatchWatcher:
    """Polls one file on its own thread.

    `on_change` gets each good patch and may raise ValueError to refuse it; `on_error` gets the message of each bad one, once.
    Both are called on the watcher's thread.
    """

    def __init__(
        self, path: Path, on_change: Callable[[Patch], None], on_error: Callable[[str], None], poll_s: float = POLL_S
    ) -> None:
        self._path, self._on_change, self._on_error, self._poll_s = path, on_change, on_error, poll_s
        self._seen = self._settled = self._stamp()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="patch-watcher", daemon=True)
        self._thread.start()

    def watch(self, path: Path) -> None:
        """Watch another file from now on."""
        self._path = path
        self._seen = self._settled = self._stamp()

    def close(self) -> None:
        """Stop polling; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _run(self) -> None:
        while not self._stop.wait(self._poll_s):
            stamp = self._stamp()
            if stamp == self._seen and stamp != self._settled and stamp is not None:  # an editor has finished writing
                self._settled = stamp
                self._load()
            self._seen = stamp

    def _load(self) -> None:
        try:
            self._on_change(load_patch(self._path))
        except (OSError, ValueError) as error:
            self._on_error(f"{error}; kept the patch that plays")
