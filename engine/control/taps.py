"""Tempo from taps, some of them missed or doubled."""

from itertools import combinations
from statistics import median

from engine.control.tempo import HIGH_BPM, LOW_BPM

KEPT = 12  # taps: three bars
PAUSE_S, PAUSE_BEATS = 2.0, 2.5  # a longer one begins anew; in beats as soon as there is a tempo
BOUNCE_S = 60.0 / HIGH_BPM * 0.9
TOO_SOON = 0.6  # of a beat: no beat of its own
AGREE, DIFFER = 0.08, 0.1  # two intervals like each other and unlike the tempo are another tempo


class Taps:
    """Taps are numbered as beats of the tempo so far; the tempo is the median slope between any two (Theil 1950, Sen 1968).

    So a missed tap is a number left out, and a doubled one is no beat.
    """

    def __init__(self) -> None:
        self.bpm = 0.0  # 0 before the second tap
        self._beats: list[tuple[int, float]] = []  # number, seconds
        self._pressed: list[float] = []  # the newest three, doubled ones too

    def clear(self) -> None:
        """Begin anew with the next tap."""
        self.bpm = 0.0
        self._beats.clear()
        self._pressed.clear()

    def press(self, t_s: float) -> bool:
        """Take a tap at the moment `t_s`, on one clock for all of them. False for one that is no beat."""
        if self._beats:
            since_s = t_s - self._beats[-1][1]
            if since_s < 0.0 or since_s > (PAUSE_BEATS * 60.0 / self.bpm if self.bpm else PAUSE_S):
                self.clear()
        if self._pressed and t_s - self._pressed[-1] < BOUNCE_S:
            return False
        self._pressed = [*self._pressed[-2:], t_s]
        if not self._beats:
            self._beats.append((0, t_s))
            return True
        passed = (t_s - self._beats[-1][1]) * self.bpm / 60.0 if self.bpm else 1.0
        if self._another_tempo():
            self._beats = list(enumerate(self._pressed))
        elif passed < TOO_SOON:
            return False
        else:
            self._beats.append((self._beats[-1][0] + max(round(passed), 1), t_s))
            del self._beats[:-KEPT]
        slopes = [(late_s - early_s) / (high - low) for (low, early_s), (high, late_s) in combinations(self._beats, 2)]
        self.bpm = min(max(60.0 / median(slopes), LOW_BPM), HIGH_BPM)
        return True

    def _another_tempo(self) -> bool:
        if len(self._pressed) < 3 or not self.bpm:
            return False
        one_s, other_s = self._pressed[1] - self._pressed[0], self._pressed[2] - self._pressed[1]
        unlike = all(abs(gap_s * self.bpm / 60.0 - 1.0) > DIFFER for gap_s in (one_s, other_s))
        return unlike and abs(one_s - other_s) < AGREE * max(one_s, other_s)
