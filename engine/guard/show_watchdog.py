"""Judges whether a show is well, and what follows when it is not. Pure: times and signs come in, verdicts go out."""

from collections import deque

from engine.guard.heartbeat import ENDING, SHOWING, STARTING, WAITING

LOOK_S = 0.1  # how often to look
LONGEST_LOOK_S = 0.25  # a longer gap between looks was the watcher's own sleep (suspended, starved), and is not counted
LOOKS_STOPPED = 2  # in a row: with the looks in between, a stopped process is seen within 0.5 s
HANG_S, HANG_FRAMES = 5.0, 20.0  # a frame may take the longer one: this, or so many usual frames
WAIT_LIMIT_S = 60.0  # for a window system that takes its time; long enough never to lead to safe mode
START_LIMIT_S, END_LIMIT_S = 300.0, 60.0  # opening models, devices and windows; closing films
AGAIN_LIMIT_S, AGAIN_STARTS = 15.0, 10.0  # a later start may take the longer one: this, or so many times the first
LEAST_SHARE = 0.1  # of the time that counts however starved a process is: what hangs is found in the end
SMOOTHING = 0.2  # of the usual frame's time

SAFE_CRASHES, SAFE_S = 3, 60.0  # so many crashes within so long lead to safe mode
FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 30.0  # between crashes in safe mode; each doubles it


class Watch:
    """Watches one lifetime of a show. `beat` may be called from another thread than `look`."""

    def __init__(self, now_s: float, started_s: float | None = None) -> None:
        """`started_s`: how long an earlier life took to show its first picture, if one did."""
        self.started_s: float | None = None  # how long this one took
        self.lived_s = 0.0  # as the watcher counts
        self.frame_s = 0.0  # how long a frame usually takes
        self.phase, self.frames = STARTING, 0
        self._newest = (STARTING, 0)
        self._start_limit_s = START_LIMIT_S if started_s is None else max(AGAIN_LIMIT_S, AGAIN_STARTS * started_s)
        self._looked_s, self._moved_s = now_s, 0.0
        self._stopped = 0

    @property
    def still_s(self) -> float:
        """How long nothing new was shown, as the watcher counts."""
        return self.lived_s - self._moved_s

    @property
    def shown_s(self) -> float:
        """For how long it has shown pictures."""
        return 0.0 if self.started_s is None else self.lived_s - self.started_s

    @property
    def limit_s(self) -> float:
        """How long nothing new may be shown."""
        if self.phase == SHOWING and self.frames > 0:
            return max(HANG_S, HANG_FRAMES * self.frame_s)
        return {WAITING: WAIT_LIMIT_S, ENDING: END_LIMIT_S}.get(self.phase, self._start_limit_s)

    def beat(self, line: str) -> None:
        """A heartbeat's line, `PHASE FRAMES`; anything else is not heard."""
        phase, _, frames = line.partition(" ")
        if phase in (STARTING, SHOWING, WAITING, ENDING) and frames.isdecimal():
            self._newest = (phase, int(frames))

    def look(self, now_s: float, stopped: bool, starved_s: float = 0.0) -> str:
        """What is wrong, or an empty string.

        `stopped`: the process does not run because of a signal. `starved_s`: since the look before, it wanted to run for so
        long and was not let, which is no fault of its own.
        """
        passed_s = min(max(now_s - self._looked_s, 0.0), LONGEST_LOOK_S)
        self._looked_s = now_s
        self.lived_s += max(passed_s - starved_s, LEAST_SHARE * passed_s)
        phase, frames = self._newest
        if phase != self.phase or frames > self.frames:
            if phase == self.phase == SHOWING and self.frames > 0:
                took_s = self.still_s / (frames - self.frames)
                self.frame_s += SMOOTHING * (took_s - self.frame_s) if self.frame_s else took_s
            self.phase, self.frames, self._moved_s = phase, frames, self.lived_s
            if frames > 0 and self.started_s is None:
                self.started_s = self.lived_s
        self._stopped = self._stopped + 1 if stopped else 0
        if self._stopped >= LOOKS_STOPPED:
            return "was stopped"
        if self.still_s > self.limit_s:
            doing = "did not close" if self.phase == ENDING else "showed nothing new" if self.frames else "did not start"
            return f"{doing} for {self.still_s:.1f} s"
        return ""


class CrashCounter:
    """Counts crashes: too many lead to safe mode, and there to growing pauses; a show is never given up."""

    def __init__(self, safe: bool = False) -> None:
        self.safe = safe
        self._times_s: deque[float] = deque(maxlen=SAFE_CRASHES)
        self._clock_s = self._pause_s = 0.0

    def crash(self, shown_s: float) -> float:
        """How long to pause after a crash of a show that showed pictures for `shown_s`, in seconds.

        Only the time in which something was shown counts: shows that hang at their start are three in a minute, too.
        """
        if self.safe:
            calm = shown_s > SAFE_S or self._pause_s == 0.0
            self._pause_s = FIRST_PAUSE_S if calm else min(2.0 * self._pause_s, MOST_PAUSE_S)
            return self._pause_s
        self._clock_s += shown_s
        self._times_s.append(self._clock_s)
        self.safe = len(self._times_s) == SAFE_CRASHES and self._clock_s - self._times_s[0] <= SAFE_S
        return 0.0
