"""Still pictures as PNG, written on a thread of their own."""

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from engine.core.types import ByteArray

STILLS_WAITING = 4


class StillWriter:
    """Writes pictures whole or not at all: beside the target first, then in its place.

    `save` may be called from any thread and never raises. `say` is told what was written and what was not, by any thread.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.written = 0
        self._say = say
        self._waiting: queue.Queue[tuple[Path, ByteArray] | None] = queue.Queue(STILLS_WAITING)
        self._thread = threading.Thread(target=self._run, name="stills")
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether as many wait as can."""
        return self._waiting.full()

    def save(self, path: Path, rgba: ByteArray) -> bool:
        """Take a copy of `rgba`, (H, W, 4) sRGB, top row first, for `path`. False if too many wait already."""
        try:
            self._waiting.put_nowait((path, rgba[..., :3].copy()))
        except queue.Full:
            self._say(f"expected one still at a time; got {path} with {STILLS_WAITING} waiting; kept those")
            return False
        return True

    def close(self) -> None:
        """Write what waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            path, rgb = item
            try:
                write_png(path, rgb)
                self.written += 1
                self._say(f"still {path}")
            except OSError as error:
                self._say(f"expected room for the still {path}; got {error.strerror or error}; kept nothing of it")


def write_png(path: Path, rgb: ByteArray) -> None:
    """Write (H, W, 3) sRGB to `path`, making its folder. Raises OSError, and then leaves what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            Image.fromarray(rgb).save(file, format="PNG", compress_level=4)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
