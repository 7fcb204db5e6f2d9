"""What a patch binds: its MIDI controls, found by what comes in."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from engine.remote.midi.controls import FINE


class Spec(Protocol):
    """One binding, as a patch has it: `engine.control.midi_table.MidiSpec` is one, and says what the fields mean."""

    @property
    def kind(self) -> str: ...
    @property
    def channel(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def takeover(self) -> str: ...
    @property
    def press(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def value(self) -> Any: ...


class MacroSpec(NamedTuple):
    """A controller that no patch names, on the macro that it was given."""

    address: str
    kind: str = "cc"
    channel: int = 0
    number: int = 0
    low: float | None = None
    high: float | None = None
    takeover: str = "soft"
    press: str = "toggle"
    encoding: str = "complement"
    value: Any = None


class BindingTable:
    """The bindings of one patch, looked up by what comes in. Immutable once made."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = specs
        self._entries: dict[tuple[str, int, int], tuple[Spec, bool]] = {}
        for spec in specs:
            kind = "cc" if spec.kind in ("cc14", "relative") else spec.kind
            self._entries[kind, spec.channel, spec.number] = spec, False
            if spec.kind == "cc14":
                self._entries[kind, spec.channel, spec.number + FINE] = spec, True
        self.macros = {spec.address for spec in specs if spec.address.startswith("/macro/")}

    def find(self, kind: str, channel: int, number: int) -> tuple[Spec, bool] | None:
        """The binding of a control, that of its channel first, and whether it is the fine half of one."""
        return self._entries.get((kind, channel, number)) or self._entries.get((kind, 0, number))
