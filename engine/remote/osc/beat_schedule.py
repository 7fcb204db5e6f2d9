"""When the next beat falls, and which beats have been told: pure, so that a clock of one's own can test it."""

import math
from collections import deque

from engine.core.types import AT_REST, Music

WINDOW_S = 1.0  # over which a beat must have kept its pace to be foretold
STEADY_BEATS = 0.08  # how far it may have strayed in that time; 40 ms at 120 BPM, more than ticks are ever late by
STALE_S = 0.25  # without a tick for that long, nothing more is foretold
RESTART_BEATS = 4.0  # a count that falls back by more has begun anew
NEAR = 1e-6


class BeatSchedule:
    """Foretells from the newest tick. Times are time.monotonic(); one thread.

    On a steady beat, `offset_s` tells it that much early; on any other only a late one (below 0) is kept, since what cannot
    be foretold cannot be told early.
    """

    def __init__(self) -> None:
        self.music = AT_REST
        self._heard_s = -math.inf
        self._past: deque[tuple[float, float]] = deque(maxlen=64)
        self._strayed_s = -math.inf
        self._told: int | None = None
        self.steady = False

    def hear(self, music: Music, t_heard: float) -> None:
        """Take the musical time of the newest tick, whose sound was heard at `t_heard`. The same one again changes nothing."""
        if t_heard <= self._heard_s:
            return
        past = self._past
        if music.beats < self.music.beats or t_heard - self._heard_s > STALE_S:
            past.clear()
        while past and t_heard - past[0][0] > WINDOW_S:
            past.popleft()
        if past:
            since_s, beats = past[0]
            strayed = music.beats - beats - (t_heard - since_s) * music.bpm / 60.0
            if abs(strayed) > STEADY_BEATS:
                self._strayed_s = t_heard
            self.steady = t_heard - max(since_s, self._strayed_s) > 0.5 * WINDOW_S
        else:
            self.steady = False
        if not past or t_heard - past[-1][0] >= WINDOW_S / 32:
            past.append((t_heard, music.beats))
        self.music, self._heard_s = music, t_heard

    def position(self, now_s: float, offset_s: float) -> float:
        """Where in the count of beats it is, for one who must be told `offset_s` early."""
        age_s = min(max(now_s - self._heard_s, 0.0), STALE_S)
        moved = (age_s + offset_s) * self.music.bpm / 60.0
        return self.music.beats + (moved if self.steady else min(moved, 0.0))

    def phase(self, now_s: float, offset_s: float) -> float:
        """0..1 from one told beat to the next."""
        position = self.position(now_s, offset_s)
        return 0.0 if self._told is not None and position < self._told else position % 1.0

    def due(self, now_s: float, offset_s: float) -> int | None:
        """The number of a beat that has come and was not told yet; each is returned once, and only the last of several."""
        beat = math.floor(self.position(now_s, offset_s) + NEAR)
        if self._told is None or beat < self._told - RESTART_BEATS:
            self._told = beat
        elif beat > self._told:
            self._told = beat
            return beat
        return None

    def next_s(self, now_s: float, offset_s: float) -> float:
        """When to ask `due` again if no other tick comes; infinite if only a tick can tell."""
        if self._told is None or now_s - self._heard_s > STALE_S:
            return math.inf
        left = self._told + 1 - self.music.beats
        if left > 0.0 and not self.steady:
            return math.inf
        return self._heard_s + left * 60.0 / self.music.bpm - offset_s
