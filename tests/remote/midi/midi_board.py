"""What the tests of MIDI share: a board with parameters of every kind, and messages as mido makes them."""

import time
from collections.abc import Callable
from typing import Any

from mido import Message

from engine.control.action import action_leaves
from engine.control.midi_table import MidiSpec, read_midi
from engine.control.tree import ParamTree
from engine.core.params import Param, Parametric, Trigger
from engine.core.types import AT_REST, Change, FeatureFrame, LatentState, Tick
from engine.instrument.patch_player import macro_leaves

PORT = "nano"


class Walk(Parametric):
    speed = Param(0.5, doc="A number.")
    steps = Param(3, low=0, high=12, doc="A whole number.")
    rate_hz = Param(1.0, low=0.1, high=10.0, curve="exp", doc="A number on a curve.")
    mirror = Param(False, doc="A switch.")
    tap = Param(Trigger, doc="A trigger.")


def board() -> ParamTree:
    """A parameter tree as small as a tree can be that has one of everything."""
    tree = ParamTree()
    tree.attach("walk", Walk().leaves)
    tree.replace((), action_leaves())
    tree.attach("macro", macro_leaves())
    return tree


def specs(**table: Any) -> tuple[MidiSpec, ...]:
    """The bindings of a [midi] table."""

    def fail(keys: tuple[str, ...], message: str) -> Any:
        raise ValueError(f"{'.'.join(keys)}: {message}")

    return read_midi(table, fail)


def cc(number: int, value: int, channel: int = 1) -> Message:
    return Message("control_change", control=number, value=value, channel=channel - 1)


def note(number: int, velocity: int = 100, channel: int = 1) -> Message:
    return Message("note_on", note=number, velocity=velocity, channel=channel - 1)


def program(number: int) -> Message:
    return Message("program_change", program=number)


def features(tick: int = 0, t_heard: float = 0.0) -> FeatureFrame:
    return FeatureFrame(tick, (tick + 1) / 187.5, t_heard, {"loudness": 0.5}, {}, ())


def tick_of(tree: ParamTree, t_heard: float, changes: tuple[Change, ...] = ()) -> Tick:
    frame = features(0, t_heard)
    none = LatentState(*(() for _ in range(2)), 0.0, ())  # type: ignore[arg-type]
    return Tick(0, 0.0, t_heard, frame, tree.values(), none, changes, AT_REST)


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Whether `condition` comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
