"""A performer's hold on one control: where it stood, and whether the parameter still stands where it was put."""

import math
from collections import deque
from typing import Any

from engine.core.params import Leaf
from engine.remote.midi.binding_table import Spec
from engine.remote.parameter_tree import ParameterTree

REPEAT_S = 0.03  # sooner than this no finger presses again: it is a sender that repeats itself
OURS = 2  # values of ours that may be in force when we look: the newest, and the one before while a tick is under way


class SoftTakeover:
    """One control of one port and channel, and what it moves."""

    __slots__ = ("_raw", "_raw_s", "at", "ends", "place", "pressed", "seen", "sent", "spec", "values")

    def __init__(self) -> None:
        self.at: float | None = None  # of its own way, 0..1
        self.pressed = False
        self._raw, self._raw_s = -1, -math.inf  # its newest data byte, and when that came
        self.values: set[int] = set()  # up to three: a switch sends one, or one and nothing
        self.take(None)

    def take(self, spec: Spec | None) -> None:
        """Begin with another binding: what it holds, it must first take hold of."""
        self.spec = spec
        self.ends: tuple[float, float] | None = None  # positions of the parameter between which it moves
        self.place = 0.0  # position last sent: an encoder's steps may be smaller than a whole number's
        self.seen: Any = None  # the base when we last looked
        self.sent: deque[Any] = deque(maxlen=OURS)

    def repeats(self, raw: int, t: float) -> bool:
        """Whether this data byte of a controller is a switch's that sends the same at every press, and nothing in between."""
        again = raw == self._raw and t - self._raw_s >= REPEAT_S
        self._raw, self._raw_s = raw, t
        if len(self.values) < 3:
            self.values.add(raw)
        return again and self.values <= {0, raw}

    def holds(self, base: Any) -> bool:
        """Whether the base is what this hand set, or not yet anything else: else another hand, or a patch, moved it."""
        if not self.sent:
            return False
        if base != self.seen and base not in self.sent:
            self.sent.clear()
            return False
        self.seen = base
        return True

    def send(self, tree: ParameterTree, leaf: Leaf, position: float, t: float | None) -> None:
        """Post the value at a position of the parameter, where a control was moved at time.monotonic() `t`, or now."""
        if not self.sent:
            self.seen = leaf.base
        value = leaf.param.map(position)
        self.place = position
        self.sent.append(value)
        tree.post(leaf.address, value, t)
