"""The MIDI desk: what comes in on all ports, sorted to parameters, notes and clock."""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.core.types import ClockState, Tick
from engine.remote.midi.binding_table import Spec
from engine.remote.midi.bindings import Bindings
from engine.remote.midi.controls import bend, read_touch
from engine.remote.midi.midi_clock import MidiClock
from engine.remote.midi.notes import Notes
from engine.remote.midi.ports import MidiPorts
from engine.remote.parameter_tree import ParameterTree

log = logging.getLogger("clavilux.midi")
PANIC = "/panic"
COMPLAIN_S = 1.0  # between two reports of errors
CLOCK = frozenset(("clock", "start", "continue", "stop", "songpos"))
ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF, LAST_MODE = 120, 121, 123, 127  # 124..127 mean all notes off, too


class MidiInputRouter:
    """Everything MIDI of one show.

    `take`, `lose` and `release` are called by the threads of the ports, `follow` once a tick by the analysis thread, which never
    waits here; `notes.into` and the properties may be read from any thread. Whatever fails in here is counted, and told at most
    once a second, but never ends the thread that called. `shelf` names the patches that program changes load;
    `wanted` is auto (every port), off, or part of a port's name.
    """

    def __init__(self, tree: ParameterTree, shelf: Sequence[str], wanted: str, say: Callable[[str], None]) -> None:
        self.notes = Notes()
        self.bindings = Bindings(tree, shelf, say)
        self._ports = MidiPorts(self.take, self.lose, self.release, wanted, say)
        self._clocks: dict[str, MidiClock] = {}
        self._leader: MidiClock | None = None
        self._lock = threading.Lock()  # one message at a time, from however many ports
        self._released = False  # a panic that waits for its turn
        self._faults, self._complained_s = 0, -math.inf

    def start(self) -> None:
        """Begin to look for ports and to listen to them, on threads of their own."""
        self._ports.start()

    def close(self) -> None:
        """Close all ports."""
        self._ports.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The ports that are open, in order of their names."""
        return self._ports.names

    @property
    def counts(self) -> dict[str, int]:
        """What came in and what did not lead anywhere, for whoever asks how the show is."""
        counts = self._ports.counts
        own = {"refused": self.bindings.refused, "unbound": self.bindings.unbound, "faults": counts["faults"] + self._faults}
        return counts | own

    def clock(self) -> ClockState | None:
        """The MIDI clock in force, or None."""
        leader = self._leader
        return None if leader is None else leader.state

    def take(self, message: Any, port: str, t: float) -> None:
        """One `mido.Message` that arrived on a port at time.monotonic() `t`."""
        with self._lock:
            try:
                self._sort(message, port, t)
            except Exception:
                self._complain(str(message))

    def lose(self, port: str) -> None:
        """A port is gone: nothing on it is held any more."""
        with self._lock:
            self.notes.release(port)
            try:
                self.bindings.lose(port)
            except Exception:
                self._complain(f"the loss of {port}")
            if self._clocks.pop(port, None) is self._leader:
                self._leader = None

    def release(self, port: str) -> None:
        """Somebody who may have played into a port is gone: nothing is held on it; its clock and its faders stay."""
        with self._lock:
            self.notes.release(port)
            try:
                self.bindings.release(port)
            except Exception:
                self._complain(f"what is held on {port}")

    def give_back(self, macro: int = 0) -> int:
        """Take macro 1..8 (0: all) from the controllers that were given them; how many those were. From any thread."""
        with self._lock:
            return len(self.bindings.give_back(macro))

    def follow(self, tick: Tick, specs: Sequence[Spec]) -> None:
        """Once a tick: the playing patch's bindings come into force, and what waited is done."""
        try:
            self._follow(tick, specs)
        except Exception:
            self._complain("what a tick brought")

    def _follow(self, tick: Tick, specs: Sequence[Spec]) -> None:
        self.bindings.use(specs)
        if any(change.address == PANIC for change in tick.changes):
            self._released = True
        # Whoever holds the lock is done within microseconds; what waits can wait for the next tick, the sound cannot.
        if (self._released or self._leader or self.bindings.waiting) and self._lock.acquire(blocking=False):
            try:
                self._serve(tick.t_heard)
            finally:
                self._lock.release()

    def _serve(self, now: float) -> None:
        if self._released:
            self._released = False
            self.notes.release()
            self.bindings.release()
        self.bindings.due(now)
        if self._leader is not None:
            self._leader.expire(now)
            if self._leader.state is None:
                self._leader = None

    def _complain(self, about: str) -> None:
        """Of the error at hand. A show without this message is better than none."""
        self._faults += 1
        if time.monotonic() - self._complained_s > COMPLAIN_S:
            self._complained_s = time.monotonic()
            log.exception("expected to act on %s; left it out (%d so far)", about, self._faults)

    def _sort(self, message: Any, port: str, t: float) -> None:
        kind = message.type
        if kind in CLOCK:
            self._count(kind, port, t, message.pos if kind == "songpos" else 0)
        elif kind == "reset":
            self.notes.release(port)
            self.bindings.release(port)
        elif kind == "control_change" and message.control >= ALL_SOUND_OFF:
            self._mode(message.control, port, message.channel + 1)
        else:
            self._touch(message, port, t)

    def _touch(self, message: Any, port: str, t: float) -> None:
        touch = read_touch(message, port)
        if touch is None:
            return  # system messages that nobody here needs
        bound = self.bindings.take(touch, t)
        notes, kind = self.notes, touch.kind
        # A note that is bound is a button, no music; but its end is told to both, for the patch may have changed meanwhile.
        if kind == "note" and touch.position > 0.0:
            if not bound:
                notes.press(port, touch.channel, touch.number, touch.position, t)
        elif kind == "note":
            notes.lift(port, touch.channel, touch.number)
        elif kind == "bend":
            notes.bend(port, bend(message.pitch))
        elif kind == "aftertouch":
            notes.squeeze(port, touch.channel, touch.number, touch.position)

    def _mode(self, number: int, port: str, channel: int) -> None:
        if number == RESET_CONTROLLERS:
            self.notes.bend(port, 0.0)
        elif number in (ALL_SOUND_OFF, *range(ALL_NOTES_OFF, LAST_MODE + 1)):
            self.notes.release(port, channel)
            self.bindings.release(port, channel)

    def _count(self, kind: str, port: str, t: float, position: int) -> None:
        """One of several senders leads, until it stops, falls silent or is gone."""
        clock = self._clocks.get(port)
        if clock is None:
            clock = self._clocks[port] = MidiClock()
        clock.take(kind, t, position)
        leader = self._leader
        if leader is None or leader.state is None or (clock.running and not leader.running):
            self._leader = clock
