"""What a MIDI message says as a control: a knob's or fader's position, or a press. Pure."""

from typing import Any, NamedTuple

BEND_REST = 8192
MODES = 120  # controllers from here on are channel mode messages, no knobs
FINE = 32  # the fine half of controller n is n + 32
PAIR_S = 0.004  # within which both halves of 14 bits arrive

Knob = tuple[str, int, int]  # port, channel 1..16, controller


class Touch(NamedTuple):
    """One movement of one control."""

    port: str
    channel: int  # 1..16
    kind: str  # cc, note, bend, aftertouch, program
    number: int  # of controller, note or program; -1: it has none
    position: float  # 0..1; a note's is its velocity, 0 when it is released
    raw: int  # the data byte of a controller


def read_touch(message: Any, port: str) -> Touch | None:
    """What a `mido.Message` moves, or None."""
    kind = message.type
    if kind == "control_change":
        value = message.value
        return Touch(port, message.channel + 1, "cc", message.control, value / 127.0, value)
    if kind == "note_on":
        return Touch(port, message.channel + 1, "note", message.note, message.velocity / 127.0, 0)
    if kind == "note_off":
        return Touch(port, message.channel + 1, "note", message.note, 0.0, 0)
    if kind == "pitchwheel":
        return Touch(port, message.channel + 1, "bend", -1, 0.5 + bend(message.pitch) / 2.0, 0)
    if kind == "aftertouch":
        return Touch(port, message.channel + 1, "aftertouch", -1, message.value / 127.0, 0)
    if kind == "polytouch":
        return Touch(port, message.channel + 1, "aftertouch", message.note, message.value / 127.0, 0)
    if kind == "program_change":
        return Touch(port, message.channel + 1, "program", message.program, 1.0, 0)
    return None


def bend(pitch: int) -> float:
    """-1..1, and exactly 0 at rest, for mido's -8192..8191."""
    return pitch / (BEND_REST if pitch < 0 else BEND_REST - 1)
