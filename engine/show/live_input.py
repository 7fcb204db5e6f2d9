"""The live input beside the track: opened when it is first asked for, without making anybody wait."""

import time
from collections.abc import Callable

from engine.audio import Source
from engine.show.analysis_thread import AnalysisThread
from engine.show.background_task import BackgroundTask

LOOK_S = 0.5  # how often what is listened to is asked whether it is lost


class LiveInput:
    """Switches the analysis between the track and the live input, and says when either is lost and heard again.

    `tell` learns what is listened to: True for the live input. Belongs to the thread that draws.
    """

    def __init__(
        self,
        analysis_thread: AnalysisThread,
        open_source: Callable[[], Source] | None,
        say: Callable[[str], None],
        tell: Callable[[bool], None],
    ) -> None:
        self._analysis_thread, self._open, self._say, self._tell = analysis_thread, open_source, say, tell
        self._track: Source = analysis_thread.source
        self._live: Source | None = None
        self._wanted = False
        self._looked_s, self._lost = 0.0, {id(self._track): self._track.status().lost}  # by source, as it was last said
        self._opening: BackgroundTask[Source] = BackgroundTask("live input", self._failed)

    def listen(self, on: bool) -> None:
        """Listen to the live input from the next hop after it is open, or to the track again."""
        self._wanted = on
        if not on:
            self._analysis_thread.switch(self._track)  # that one may have been asked for and not be taken yet
        elif self._live is not None:
            self._analysis_thread.switch(self._live)
        elif self._open is not None and self._opening.idle:
            self._opening.ask(self._open)
        self._tell(on and self._open is not None)

    def poll(self) -> None:
        """Take the input that has been opened meanwhile, if one has."""
        live = self._opening.take()
        if live is not None:
            self._live = live
            if self._wanted:
                self._analysis_thread.switch(live)
        if time.monotonic() - self._looked_s > LOOK_S:
            self._looked_s = time.monotonic()
            self._look(self._analysis_thread.source)

    def close(self) -> None:
        """Close the track and the live input."""
        for source in {id(item): item for item in (self._track, self._live, self._analysis_thread.source) if item}.values():
            source.close()

    def _look(self, source: Source) -> None:
        status = source.status()
        if status.lost != self._lost.get(id(source), False):
            self._lost[id(source)] = status.lost
            away = status.fault or f"{status.name} is away: silence until it is back"
            self._say(away if status.lost else f"{status.name} is heard again")

    def _failed(self, error: Exception) -> None:
        self._wanted = False
        self._say(f"{error}; kept {self._track.status().name}")
        self._tell(False)
