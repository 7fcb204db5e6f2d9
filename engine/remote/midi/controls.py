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


class Pairs:
    """Controllers of 14 bits, whose halves come in two messages in either order.

    A half is held until the other comes, or for 4 ms if only one was sent, so that no value in between is ever seen. Of a
    controller that has only ever sent one half, that half is the whole: 0 is 0.0, 127 is 1.0, and a coarse one counts at once.
    """

    def __init__(self) -> None:
        self._known: dict[Knob, list[int | None]] = {}  # coarse, fine; None: never came
        self._alone: dict[Knob, float] = {}  # when a coarse half counted at once
        self._open: dict[Knob, tuple[bool, float]] = {}  # whether the half that came is the fine one, and when

    def take(self, knob: Knob, fine: bool, value: int, t: float) -> float | None:
        """One half for `knob`, named by its coarse controller: the position 0..1 if it is complete."""
        halves = self._known.setdefault(knob, [None, None])
        halves[fine] = value
        if not fine and halves[1] is None:
            self._alone[knob] = t
            return _position(halves)
        if fine and t - self._alone.pop(knob, -PAIR_S - 1.0) <= PAIR_S:
            return _position(halves)
        waiting = self._open.get(knob)
        if waiting is not None and waiting[0] != fine and t - waiting[1] <= PAIR_S:
            del self._open[knob]
            return _position(halves)
        self._open[knob] = (fine, t)
        # The same half again: the one before was alone, and so may this one be, however fast they come.
        return _position(halves) if waiting is not None and waiting[0] == fine else None

    def due(self, t: float) -> list[tuple[Knob, float]]:
        """What has waited in vain for its other half."""
        if not self._open:
            return []
        late = [knob for knob, (_, since) in self._open.items() if t - since > PAIR_S]
        for knob in late:
            del self._open[knob]
        return [(knob, _position(self._known[knob])) for knob in late]

    @property
    def waiting(self) -> bool:
        """Whether `due` may have something to give."""
        return bool(self._open)

    def forget(self, port: str) -> None:
        """A port is gone."""
        self._open = {knob: value for knob, value in self._open.items() if knob[0] != port}
        self._known = {knob: value for knob, value in self._known.items() if knob[0] != port}


def _position(halves: list[int | None]) -> float:
    coarse, fine = halves
    if coarse is None or fine is None:
        return (coarse or fine or 0) / 127.0
    return (coarse << 7 | fine) / 16383.0
