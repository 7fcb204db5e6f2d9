"""The [midi] table of a patch: which MIDI control moves which parameter.

    [midi]
    "cc/21" = "/walk/speed"                                          # any port, any channel
    "3/cc/7" = { to = "/master/level", takeover = "jump" }           # channel 3 only
    "cc14/16" = { to = "/latent/truncation", low = 0.2, high = 0.8 } # 14 bits: CC 16 and CC 48; low may be above high
    "relative/20" = { to = "/shader/bloom/amount", encoding = "sign" }
    "note/36" = "/tempo/tap"
    "note/37" = { to = "/blackout", press = "hold" }                 # on while it is held; "toggle" is the default
    "note/38" = { to = "/walk/speed", value = 0.9 }                  # sets a value when it is pressed
    "bend" = "/shader/grade/hue"
    "aftertouch" = "/macro/5"                                        # of the channel; "aftertouch/60" of one key
    "program/3" = { to = "/patch/load", value = "tidal" }            # numbers as on the wire: the first is 0

Controls move numbers between `low` and `high`, in the parameter's own unit. Switches and triggers act when a note or a button
is pressed, or a control passes its middle. A note moves a number by how hard it is struck, for as long as it is held.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

Keys = tuple[str, ...]
Fail = Callable[[Keys, str], NoReturn]
HIGHEST = {"cc": 119, "cc14": 31, "relative": 119, "note": 127, "aftertouch": 127, "program": 127}  # numbers of the kinds
BARE = ("bend", "aftertouch")  # kinds that need no number
TAKEOVERS, PRESSES = ("soft", "jump"), ("toggle", "hold")
ENCODINGS = ("complement", "sign", "offset", "offset16", "ends")
CHOICES = {"takeover": TAKEOVERS, "press": PRESSES, "encoding": ENCODINGS}
CHANNELS = 16


@dataclass(frozen=True, slots=True)
class MidiSpec:
    """One control of [midi] and what it moves."""

    kind: str  # cc, cc14, relative, note, bend, aftertouch, program
    channel: int  # 1..16; 0: any
    number: int  # of the control, note or program; -1: it has none
    address: str
    low: float | None  # ends of its way, in the parameter's unit; None: the parameter's own
    high: float | None
    takeover: str  # soft: a fader takes hold where it meets the present value; jump: at once
    press: str  # what a button does to a switch: toggle it, or hold it on
    encoding: str  # how an endless encoder says less: two's complement, a sign bit, an offset of 64 or 16, or 127 and 0
    value: Any  # what a press sets; None: what the control says
    keys: Keys = field(repr=False)


def read_midi(table: Mapping[str, Any], fail: Fail) -> tuple[MidiSpec, ...]:
    """The specs of a patch's [midi] table; `fail` raises its error for a key. Addresses are checked when it is wired."""
    found: list[MidiSpec] = []
    taken: dict[tuple[str, int, int], str] = {}
    for control, body in table.items():
        spec = _read(control, body, fail)
        for place in _places(spec):
            if place in taken:
                fail(spec.keys, f"expected each control once; got {control!r} beside {taken[place]!r}")
            taken[place] = control
        found.append(spec)
    return tuple(found)


def _read(control: str, body: Any, fail: Fail) -> MidiSpec:
    keys = ("midi", control)
    channel, kind, number = _control(control, lambda message: fail(keys, message))
    entry = {"to": body} if isinstance(body, str) else body
    if not isinstance(entry, dict):
        fail(keys, f'expected an address or a table, as {{ to = "/walk/speed" }}; got {body!r}')
    known = ("to", "low", "high", "takeover", "press", "encoding", "value")
    for key in entry:
        if key not in known:
            fail((*keys, key), f"expected one of {', '.join(known)}; got {key!r}")
    if not isinstance(entry.get("to"), str):
        fail(keys, f"expected an address after `to`; got {entry.get('to')!r}")
    for key, choices in CHOICES.items():
        if entry.get(key, choices[0]) not in choices:
            fail((*keys, key), f"expected one of {', '.join(choices)}; got {entry[key]!r}")
    for key in ("low", "high"):
        raw = entry.get(key, 0.0)
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not abs(raw) < 1e9:
            fail((*keys, key), f"expected a finite number; got {raw!r}")
    low, high, value = entry.get("low"), entry.get("high"), entry.get("value")
    if low is not None and low == high:
        fail((*keys, "high"), f"expected two different ends; got {low!r} for both")
    return MidiSpec(
        kind=kind,
        channel=channel,
        number=number,
        address=entry["to"],
        low=low,
        high=high,
        # What springs back or is struck has no position of its own in which it could wait.
        takeover=entry.get("takeover", "soft" if kind in ("cc", "cc14") else "jump"),
        press=entry.get("press", "toggle"),
        encoding=entry.get("encoding", "complement"),
        value=tuple(value) if isinstance(value, list) else value,
        keys=keys,
    )


def _control(control: str, refuse: Callable[[str], NoReturn]) -> tuple[int, str, int]:
    """Channel, kind and number of `[channel/]kind[/number]`."""
    parts = control.split("/")
    channel = 0
    if _is_number(parts[0]):
        channel = int(parts.pop(0))
        if not 1 <= channel <= CHANNELS:
            refuse(f"expected a channel of 1..{CHANNELS}; got {channel}")
    kind, rest = (parts[0], parts[1:]) if parts else ("", [])
    if kind not in HIGHEST and kind not in BARE:
        refuse(f"expected a control, as cc/21 or 3/note/36, of {', '.join(dict.fromkeys((*HIGHEST, *BARE)))}; got {control!r}")
    if not rest and kind in BARE:
        return channel, kind, -1
    highest = HIGHEST.get(kind)
    if highest is None or len(rest) != 1 or not _is_number(rest[0]) or int(rest[0]) > highest:
        refuse(f"expected {kind if highest is None else f'{kind}/0..{highest}'}; got {control!r}")
    return channel, kind, int(rest[0])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3


def _places(spec: MidiSpec) -> list[tuple[str, int, int]]:
    """Which messages a spec takes: kind, channel, number."""
    kind = "cc" if spec.kind in ("cc14", "relative") else spec.kind
    numbers = (spec.number, spec.number + 32) if spec.kind == "cc14" else (spec.number,)
    return [(kind, spec.channel, number) for number in numbers]
