"""A meter in a tree, and who may keep its beat: sound with a steady beat, a MIDI clock, hands."""

import math
from collections.abc import Callable
from itertools import pairwise

from song import HOP_S, frame

from engine.control.transport import Transport
from engine.control.tree import ParamTree
from engine.core.types import Change, ClockState, Value
from engine.remote.midi.midi_clock import MidiClock

Values = Callable[[float], dict[str, float]]


def nothing(t: float) -> dict[str, float]:
    return {}


def heard(bpm: float, offset_beats: float = 0.0, confidence: float = 0.9, until_s: float = math.inf) -> Values:
    """What the analysis says of a steady beat that has a beat at time 0, or `offset_beats` earlier."""

    def values(t: float) -> dict[str, float]:
        beats = t * bpm / 60.0 + offset_beats
        sure = confidence if t < until_s else 0.0
        return {"tempo_bpm": bpm, "tempo_confidence": sure, "beat_phase": beats % 1.0, "bar_phase": beats / 4 % 1.0}

    return values


class Stand:
    """A meter in a tree, stepped hop by hop; the moment of a hop is its end, in seconds, on every clock there is."""

    def __init__(self, values: Values = nothing) -> None:
        self.values, self.tree, self.tick = values, ParamTree(), 0
        self.transport = Transport(HOP_S, self.tree)
        self.latency_s = 0.0
        self.clock: Callable[[], ClockState | None] = lambda: None
        self.sounds, self.pictures, self.bars = [0.0], [0.0], [0.0]  # positions at the end of each hop
        self.hits: list[tuple[float, int]] = []  # beat events of the picture: when, and which
        self.firsts: list[float] = []  # bar events of the picture
        self._presses: list[tuple[float, Change]] = []

    def press(self, taken_s: float, name: str, value: Value = 1, at_s: float | None = None) -> None:
        """A hand's change at that moment, taken in the hop that is heard next; or of the moment `at_s` before it."""
        self._presses.append((taken_s, Change(f"/tempo/{name}", value, taken_s if at_s is None else at_s)))

    def run(self, until_s: float) -> None:
        while (end_s := (self.tick + 1) * HOP_S) <= until_s:
            due = [press for press in self._presses if press[0] < end_s - HOP_S]
            self._presses = [press for press in self._presses if press not in due]
            self.tree.apply(self.tree.take())
            changes = tuple(change for _, change in due)
            for change in changes:
                self.tree.set_base(change.address, change.value)
            context = self.transport.step(frame(self.tick, self.values(end_s)), changes, self.latency_s, self.clock())
            self.tree.update(HOP_S)
            self.tick += 1
            self.sounds.append(self.transport.music.beats)
            self.pictures.append(context.beats)
            self.bars.append(context.bars)
            if context.beat_now and context.steady:
                self.hits.append((end_s, math.floor(context.beats)))
            if context.bar_now:
                self.firsts.append(end_s)

    def base(self, name: str) -> object:
        return self.tree.leaf(f"/tempo/{name}").base

    def beats_between(self, from_s: float, to_s: float) -> list[float]:
        """When the sound's beats fell, to the hop."""
        first, last = round(from_s / HOP_S), min(round(to_s / HOP_S), self.tick)
        return [n * HOP_S for n in range(first + 1, last + 1) if math.floor(self.sounds[n]) > math.floor(self.sounds[n - 1])]

    def never_went_back(self) -> bool:
        return all(b >= a for kind in (self.sounds, self.pictures, self.bars) for a, b in pairwise(kind))


def on_grid(times: list[float], first_s: float, period_s: float, within_s: float = 1.1 * HOP_S) -> bool:
    """Whether all of some times, at least three, lie on multiples of the period from `first_s`."""
    off = [(t - first_s + 0.5 * period_s) % period_s - 0.5 * period_s for t in times]
    return len(times) >= 3 and all(abs(item) <= within_s for item in off)


class Sender:
    """Plays a MIDI clock into a real `MidiClock`, which a stand asks as the show does."""

    def __init__(self, stand: Stand, bpm: float, from_s: float, to_s: float) -> None:
        self.clock, self._stand, self._bpm = MidiClock(), stand, bpm
        self._next_s, self._to_s = from_s, to_s
        self.messages: list[tuple[float, str, int]] = []
        stand.clock = self

    def __call__(self):
        now = (self._stand.tick + 1) * HOP_S
        while True:
            at_s, kind, position = min([*self.messages, (self._next_s, "clock", 0)])
            if at_s > now:
                return self.clock.state
            if kind == "clock":
                self._next_s += 60.0 / 24.0 / self._bpm if at_s < self._to_s else math.inf
            else:
                self.messages.remove((at_s, kind, position))
            self.clock.take(kind, at_s, position)
