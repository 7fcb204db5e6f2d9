"""MIDI clock: tempo and position from 24 pulses a beat, however unevenly they arrive."""

import math
from collections import deque
from dataclasses import replace

from engine.core.types import ClockState

PULSES = 24  # a beat
WINDOW = 2 * PULSES  # pulses that the tempo is fitted to
RECENT = 8  # pulses that together show a change of tempo
STRAY = 0.25  # of a pulse: how far the recent ones must all lie from the fit, on one side, to be a new tempo
LOST = 3  # pulses in a row that may have been lost, and ...
SURE_GAP = 0.3  # ... how far from a whole number of pulses the gap may then be, from the line, and ...
WIDE_GAP = 0.45  # ... from the pulse before, which may itself have been late
TOGETHER = 0.5  # of a pulse: what comes sooner than this after a gap was held up in it, and not lost
GAPS, SLOWER = 3, 1.4  # wide gaps one after the other that may be losses, in pulses; with more it is a slower tempo
SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0
SILENT_S = 1.0  # without a pulse the clock is gone
SURE_JITTER = 0.5  # of a pulse, root mean square: from there on nothing is sure


class MidiClock:
    """Follows one sender. Fed with kinds of messages and their arrival times; keeps no time itself.

    A straight line is fitted to the arrival times of the last two beats (least squares), so one late pulse moves the tempo by
    little; when eight in a row lie off the line on the same side, the line starts again from them.
    """

    def __init__(self) -> None:
        self.state: ClockState | None = None
        self._arrivals: deque[float] = deque(maxlen=WINDOW)
        self._pulse = -1  # of the newest arrival, from where the sender began to count
        self._running, self._told = False, False
        self._heard = math.inf  # when the newest pulse, start or continue came, until that is too long ago
        self._strayed = 0  # pulses in a row off the line; negative: too early
        self._period_s = 0.0  # of the line; 0: not known yet
        self._line_s = 0.0  # the newest pulse's time on it
        self._filled: list[int] = []  # pulses put in for lost ones, in each of the newest gaps that were wide
        self._owed = 0  # of the newest ones, which may still come

    @property
    def running(self) -> bool:
        """Whether it plays, and has a tempo."""
        return self.state is not None and self.state.running

    def take(self, kind: str, t: float, position: int = 0) -> None:
        """One message, by mido's name: clock, start, continue, stop or songpos (`position` in sixteenths)."""
        if kind == "clock":
            self._beat(t)
        elif kind == "songpos":
            self._pulse = position * (PULSES // 4) - 1  # the next pulse is at that position
        elif kind in ("start", "continue"):
            self._begin_anew(t)
            if kind == "start":
                self._pulse = -1
            self._running, self._told, self._heard = True, True, t
            if self.state is not None:  # the next pulse is due, at the tempo that was
                self.state = ClockState(self.state.bpm, (self._pulse + 1) / PULSES, True, t, self.state.sure)
        elif kind == "stop":
            self._running, self._told = False, True
            if self.state is not None:
                self.state = replace(self.state, running=False)

    def expire(self, now: float) -> None:
        """Forget the tempo of a sender that has fallen silent; one that said stop may continue where it was."""
        if now - self._heard > SILENT_S:
            self._arrivals.clear()
            self.state, self._strayed, self._heard = None, 0, math.inf
            if self._running:
                self._pulse, self._running, self._told = -1, False, False

    def _begin_anew(self, t: float) -> None:
        """What was sent before a pause says nothing about the pulses after it."""
        pause_s = 2.0 * 60.0 / (PULSES * (SLOWEST_BPM if self.state is None else self.state.bpm))
        if self._arrivals and t - self._arrivals[-1] > pause_s:
            self._arrivals.clear()
            self._strayed = 0

    def _beat(self, t: float) -> None:
        arrivals = self._arrivals
        if not self._running:
            self._begin_anew(t)
        if arrivals and not 0.0 <= t - arrivals[-1] <= SILENT_S:
            arrivals.clear()
        self._heard = t
        if self._is_filled(t):
            return
        self._fill(t)
        arrivals.append(t)
        if not self._told:
            self._running = True  # connected in mid-song, or a sender that knows no start: what pulses plays
        if self._running:
            self._pulse += 1
        if len(arrivals) < 3:
            return
        period, last, jitter = _fit(arrivals)
        stray = t - last
        side = 0 if abs(stray) < STRAY * period else (1 if stray > 0.0 else -1)
        self._strayed = self._strayed + side if side and self._strayed * side >= 0 else side
        if abs(self._strayed) >= RECENT and len(arrivals) > RECENT:
            for _ in range(len(arrivals) - RECENT):
                arrivals.popleft()
            self._strayed = 0
            period, last, jitter = _fit(arrivals)
        self._period_s, self._line_s = period if len(arrivals) > RECENT else 0.0, last
        bpm = 60.0 / (PULSES * period) if period > 0.0 else math.inf
        if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
            self.state = None
            return
        sure = min(1.0, len(arrivals) / PULSES) * max(0.0, 1.0 - jitter / (SURE_JITTER * period))
        self.state = ClockState(bpm, max(self._pulse, 0) / PULSES, self._running, last, sure)

    def _is_filled(self, t: float) -> bool:
        """Whether a pulse was put in for this one already: a host or a driver that was held up sends several at once."""
        if self._owed and self._arrivals and t - self._arrivals[-1] < TOGETHER * self._period_s:
            self._owed -= 1
            return True
        self._owed = 0
        return False

    def _fill(self, t: float) -> None:
        """Put in what was lost on the way: one missing pulse must pull neither the tempo nor the place in the song."""
        arrivals, period = self._arrivals, self._period_s
        if not arrivals or period <= 0.0:
            self._filled.clear()
            return
        gap, since = (t - self._line_s) / period, (t - arrivals[-1]) / period
        if since < SLOWER:
            self._filled.clear()
            return
        if len(self._filled) >= GAPS:  # nothing was lost: it has become slower
            self._pulse -= sum(self._filled) if self._running else 0
            arrivals.clear()
            self._filled.clear()
            self._strayed, self._period_s, self._owed = 0, 0.0, 0
            return
        lost = round(gap) - 1
        if not 1 <= lost <= LOST or abs(gap - round(gap)) > SURE_GAP or abs(since - round(gap)) > WIDE_GAP:
            lost = 0
        self._filled.append(lost)
        self._owed = lost
        step = (t - arrivals[-1]) / (lost + 1)
        for _ in range(lost):
            arrivals.append(arrivals[-1] + step)
            self._pulse += self._running


def _fit(arrivals: deque[float]) -> tuple[float, float, float]:
    """Period, time of the newest pulse and root mean square distance of the line through all arrivals."""
    count = len(arrivals)
    first = arrivals[0]
    middle = (count - 1) / 2
    total = weighted = squares = 0.0
    for index, t in enumerate(arrivals):
        t -= first
        total += t
        weighted += (index - middle) * t
        squares += t * t
    spread = count * (count * count - 1) / 12
    mean, period = total / count, weighted / spread
    error = max(0.0, squares / count - mean * mean - period * period * spread / count)
    return period, first + mean + period * middle, math.sqrt(error)
