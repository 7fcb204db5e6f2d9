"""Recording what is shown and heard: pictures from the thread that draws, sound from the thread that listens."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.outputs.film import Recorder
from engine.show.analysis_thread import AnalysisThread
from engine.stage.readback import Readback
from engine.stage.stage import Stage

ENDED = ("disk full", "failed")


class Recording:
    """One recording of a show at a time. Belongs to the thread that draws, which calls `take` after every picture."""

    def __init__(
        self, context: Any, stage: Stage, analysis_thread: AnalysisThread, rate_hz: float, say: Callable[[str], None]
    ) -> None:
        self._context, self._stage, self._analysis_thread, self._rate_hz, self._say = (
            context,
            stage,
            analysis_thread,
            rate_hz,
            say,
        )
        self._recorder: Recorder | None = None
        self._readback: Readback | None = None
        self._from_s = self._pushed_s = 0.0

    @property
    def seconds(self) -> float | None:
        """How long it has been recording; None if it is not."""
        return None if self._recorder is None else time.monotonic() - self._from_s

    def start(self, path: Path) -> bool:
        """Write to `path` from now on; False if that cannot be, which is said. Does nothing while recording."""
        if self._recorder is not None:
            return True
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._recorder = Recorder(path, self._stage.output_size, self._rate_hz, paced=True)
        except (OSError, ValueError) as error:
            self._say(f"{error}; kept playing, unrecorded")
            return False
        self._readback = Readback(self._context, self._stage.output_size)
        self._from_s = self._pushed_s = time.monotonic()
        self._analysis_thread.recorder = self._recorder
        self._say(f"recording {path}")
        return True

    def take(self) -> bool:
        """Take the stage's newest picture; False if the recording has come to an end by itself."""
        if self._recorder is None or self._readback is None:
            return True
        picture = self._readback.push(self._stage.output)
        if picture is not None:
            self._recorder.video(picture, self._pushed_s)  # the picture of the push before
        self._pushed_s = time.monotonic()
        return self._recorder.status().state not in ENDED

    def stop(self, wait: bool) -> None:
        """End the recording, if there is one; `wait` for its last pictures to be written."""
        if self._recorder is None or self._readback is None:
            return
        self._analysis_thread.recorder = None
        self._recorder.close(wait=wait)
        self._readback.release()
        status = self._recorder.status()
        without = f"; {status.lost_s:.1f} s of sound lost" if status.lost_s else ""
        self._say(status.message or f"recorded {status.frames} pictures, {status.dropped} dropped{without}")
        self._recorder = self._readback = None
