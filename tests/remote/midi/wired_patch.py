"""Bindings on a board, played by messages."""

from collections.abc import Iterable
from typing import Any, Self

from midi_board import PORT, board, cc, specs
from mido import Message
from song import served

from engine.core.types import Value
from engine.remote.midi.bindings import Bindings
from engine.remote.midi.controls import read_touch

TICK_S = 0.005


class WiredPatch:
    """Bindings on a board, played by messages: each in a tick of its own, unless they come faster."""

    def __init__(self, *, shelf: tuple[str, ...] = ("tidal", "mandala"), **table: Any) -> None:
        self.tree, self.said, self.t = board(), list[str](), 0.0
        self.bindings = Bindings(self.tree, shelf, self.said.append)
        self.bindings.use(specs(**table))

    def play(self, *messages: Message, port: str = PORT, gap_s: float = 1.0) -> Self:
        for message in messages:
            self.t += gap_s
            touch = read_touch(message, port)
            assert touch is not None
            self.bindings.take(touch, self.t)
            if gap_s > 0.5:
                self.bindings.due(self.t + 0.5)
            if gap_s >= TICK_S:
                served(self.tree)
        return self

    def sweep(self, number: int, to: int = 100, *, channel: int = 1, port: str = PORT) -> Self:
        """A hand turns a knob up to `to`."""
        return self.play(*(cc(number, value, channel) for value in range(to % 6, to + 1, 6)), port=port, gap_s=0.02)

    def repeat(self, number: int, values: Iterable[int]) -> Self:
        """An encoder is turned, or a sender goes on."""
        return self.play(*(cc(number, value) for value in values), gap_s=0.02)

    def base(self, address: str = "/walk/speed") -> Value:
        return self.tree.leaf(address).base

    def hand(self, value: object, address: str = "/walk/speed") -> None:
        """Another hand: a key, OSC, a page."""
        self.tree.post(address, value)
        served(self.tree)
