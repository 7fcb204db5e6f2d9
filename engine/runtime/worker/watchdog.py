"""Judges from its signs of life whether a generator process is well. Pure: time and signs come in, a verdict goes out."""

from collections import deque
from collections.abc import Callable

from engine.core.slots import Record
from engine.runtime.worker.protocol import BEAT_S

LOOK_S = 0.05  # how often to look
LONGEST_LOOK_S = 0.1  # a longer gap between looks was the watcher's own sleep (suspended, starved), and is not counted
BEAT_LIMIT_S = 0.35  # without a beat; together with the looks, a stopped process is seen within 0.5 s
START_BEAT_LIMIT_S, START_LIMIT_S = 30.0, 300.0  # importing holds the interpreter; compiling takes long, but talks
STEP_LIMIT_S, STEPS_LIMIT = 0.35, 12.0  # a step may take the longer one: this, or so many median steps
UNEASY = 0.5  # of a limit: from there on it is asked how long the process was kept waiting
STARVED_LIMIT = 20.0  # times the limit: longer nobody is held up by others
RATE_S = 2.0  # frames/s are counted over so long


class Watchdog:
    """Watches one process. `patience` multiplies the limits: a machine on which healthy processes seemed hung needs more."""

    def __init__(self, now_s: float, patience: float = 1.0, starved: Callable[[], float] = lambda: 0.0) -> None:
        """`starved` is asked how long the process's threads wanted to run and were not let since it was asked before."""
        self.warm = self.playing = self.hung = False
        self.fps = self.ms_p50 = 0.0
        self.message = ""
        self.lived_s = 0.0  # as the watcher counts
        self._patience, self._looked_s, self._told_s = patience, now_s, 0.0
        self._starved, self._waited_s, self._asked = starved, 0.0, False
        self._beat, self._beat_s = 0, 0.0
        self._step, self._step_beat = (0, 0), 0
        self._rate: deque[tuple[float, int]] = deque([(0.0, 0)])

    def look(self, now_s: float, alive: bool, beat: int, status: Record | None, sent: int) -> str:
        """What is wrong, or an empty string.

        `status` is the record of WORKER_STATUS number `beat`, None before the first; `sent` is the number of the newest latent.
        """
        self.lived_s += min(max(now_s - self._looked_s, 0.0), LONGEST_LOOK_S)
        self._looked_s = now_s
        if not alive:
            return "died"
        if beat != self._beat:
            self._beat, self._beat_s = beat, self.lived_s
        if status is not None:
            self._read(status)
        silent_s = self.lived_s - self._beat_s
        if not self.warm:
            if silent_s > START_BEAT_LIMIT_S * self._patience or self.lived_s - self._told_s > START_LIMIT_S:
                return self._hangs(f"not warm after {self.lived_s:.1f} s, silent for {silent_s:.1f} s")
            self._step_beat = beat
            return ""
        # No step is under way while everything sent is drawn; otherwise one must begin and end in time. Time is counted in
        # the process's own beats: one that is starved by others beats late too, and is not taken for hung.
        if self._step[1] >= sent:
            self._step_beat = beat
        limit_s = max(STEP_LIMIT_S, STEPS_LIMIT * self.ms_p50 / 1e3) * self._patience
        beat_limit_s, step_s = BEAT_LIMIT_S * self._patience, (beat - self._step_beat) * BEAT_S
        self._ask(silent_s > UNEASY * beat_limit_s or step_s > UNEASY * limit_s)
        if silent_s > beat_limit_s + min(self._waited_s, STARVED_LIMIT * beat_limit_s):
            return self._hangs(f"no sign of life for {silent_s:.2f} s")
        if step_s > limit_s + min(self._waited_s, STARVED_LIMIT * limit_s):
            return self._hangs(f"a step of more than {limit_s:.2f} s, where {self.ms_p50:.0f} ms is usual")
        return ""

    def _ask(self, uneasy: bool) -> None:
        """Add up how long others held the process up since it began to look hung; what it makes of its own time counts."""
        if not uneasy:
            self._waited_s, self._asked = 0.0, False
            return
        waited_s = self._starved()
        if self._asked:
            self._waited_s += waited_s
        self._asked = True

    def _read(self, status: Record) -> None:
        self.warm = self.warm or bool(status["warm"])
        self.ms_p50 = float(status["ms_p50"])
        message = status["message"].decode(errors="replace")
        if message != self.message:
            self.message, self._told_s = message, self.lived_s
        step, frames = (int(status["taken"]), int(status["drawn"])), int(status["frames"])
        if step != self._step:
            self._step, self._step_beat = step, self._beat
        self.playing = self.playing or frames > 0
        self._rate.append((self.lived_s, frames))
        while self.lived_s - self._rate[0][0] > RATE_S:
            self._rate.popleft()
        (first_s, first), (last_s, last) = self._rate[0], self._rate[-1]
        self.fps = (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def _hangs(self, words: str) -> str:
        self.hung = True
        return words
