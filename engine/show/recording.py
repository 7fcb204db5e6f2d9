"""What a performer records while a show plays: one film at a time, an output like any other."""

import time
from collections.abc import Callable
from pathlib import Path

from engine.outputs.film import FilmSink
from engine.show.outputs import OutputSet

MOST_ENDING = 4  # films that are still being written: each holds pictures and an encoder


class Recording:
    """Starts and ends films. Belongs to the thread that draws; `tell` learns whether one is recorded, `say` what went wrong."""

    def __init__(self, outputs: OutputSet, tell: Callable[[bool], None], say: Callable[[str], None]) -> None:
        self._outputs, self._tell, self._say = outputs, tell, say
        self._film: FilmSink | None = None
        self._from_s = 0.0
        self._ending: list[FilmSink] = []

    @property
    def seconds(self) -> float | None:
        """How long it has been recording; None if it is not."""
        return None if self._film is None else time.monotonic() - self._from_s

    def start(self, path: Path) -> None:
        """Write to `path` from now on; what cannot be is said. Does nothing while recording."""
        self._ending = [film for film in self._ending if not film.ended]
        if self._film is None and len(self._ending) >= MOST_ENDING:
            self._say(f"expected the last {MOST_ENDING} films to be written; got {path} meanwhile; kept playing, unrecorded")
        elif self._film is None:
            try:
                film = FilmSink(path)
                self._outputs.add(film)
                self._film, self._from_s = film, time.monotonic()
            except (OSError, ValueError) as error:
                self._say(f"{error}; kept playing, unrecorded")
        self._tell(self._film is not None)

    def stop(self) -> None:
        """End the film, if there is one; what waits is written beside the show."""
        if self._film is not None:
            self._outputs.remove(self._film)
            self._ending.append(self._film)
            self._film = None
            self._tell(False)

    def poll(self) -> None:
        """After every picture: a film that ended by itself, as on a full disk, is recorded no longer."""
        if self._film is not None and self._film.ended:
            self.stop()
