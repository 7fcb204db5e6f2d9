"""Which macro a controller has that no patch names: given once it was swept by a hand, and given back on demand."""

from collections.abc import Callable, Collection

from engine.remote.midi.binding_table import MacroSpec
from engine.remote.midi.controls import MODES, Knob
from engine.remote.midi.encoders import KNOWN
from engine.remote.midi.sweep_detector import KNOB
from engine.remote.parameter_tree import ParameterTree

MACROS = 8


class Macros:
    """Who has which macro. Calls must not overlap; `state` alone may come from another thread. `say` tells the performer."""

    def __init__(self, tree: ParameterTree, say: Callable[[str], None]) -> None:
        self._tree, self._say = tree, say
        self._given: dict[Knob, MacroSpec] = {}  # in order
        self._told_full = False  # that none is left, until one is

    def find(self, knob: Knob) -> MacroSpec | None:
        """What a controller was given."""
        return self._given.get(knob)

    def give(self, knob: Knob, kind: str, taken: Collection[str]) -> MacroSpec | None:
        """The next macro that is free and not `taken`; that none is left is said until one is. `kind`: KNOB, or an encoding."""
        held = {spec.address for spec in self._given.values()}.union(taken)
        free = next((address for n in range(1, MACROS + 1) if (address := f"/macro/{n}") not in held), None)
        if free is None or free not in self._tree:
            if not self._told_full:
                self._told_full = True
                self._say(f"no macro is left for {_named(knob)}; /midi/unassign MACRO gives one back")
            return None
        self._told_full = False
        macro = self._given[knob] = _spec(free, kind)
        doc = self._tree.leaf(free).param.doc.partition(":")[0]
        how = "from where it meets it" if kind == KNOB else f"as an endless encoder ({kind})"
        self._say(f"{_named(knob)} plays {free} ({doc}) {how}")
        return macro

    def turn_into(self, knob: Knob, encoding: str) -> MacroSpec:
        """A controller that has a macro is an encoder after all."""
        macro = self._given[knob] = _spec(self._given[knob].address, encoding)
        self._say(f"{_named(knob)} plays {macro.address} as an endless encoder ({encoding})")
        return macro

    def give_back(self, macro: int) -> list[Knob]:
        """Take macro 1..8 (0: all) from the controllers that were given them; which those were."""
        back = [knob for knob, spec in self._given.items() if macro in (0, _number(spec))]
        for knob in back:
            del self._given[knob]
        self._told_full = False
        return back

    def state(self) -> list[list[str | int]]:
        """[port, channel, controller, macro] of each, and the encoding of an encoder, for `restore`. From any thread."""
        return [
            [*knob, _number(spec), *([spec.encoding] if spec.kind == "relative" else [])]
            for knob, spec in self._given.copy().items()
        ]

    def restore(self, state: object) -> list[str]:
        """Take back a `state`, before the first message; what cannot be taken is returned as messages."""
        refused = []
        for entry in state if isinstance(state, list) else [state]:
            match entry:
                case [str(port), int(channel), int(number), int(macro), *kind] if (
                    1 <= channel <= 16 and 0 <= number < MODES and 1 <= macro <= MACROS and (not kind or _is_encoding(kind))
                ):
                    self._given[port, channel, number] = _spec(f"/macro/{macro}", str(kind[0]) if kind else KNOB)
                case _:
                    refused.append(f"expected port, channel, controller and macro; got {str(entry)[:80]!r}")
        return refused


def _is_encoding(kind: list[object]) -> bool:
    return len(kind) == 1 and kind[0] in KNOWN


def _number(spec: MacroSpec) -> int:
    return int(spec.address.rpartition("/")[2])


def _spec(address: str, kind: str) -> MacroSpec:
    return MacroSpec(address) if kind == KNOB else MacroSpec(address, kind="relative", encoding=kind)


def _named(knob: Knob) -> str:
    port, channel, number = knob
    return f"MIDI cc/{number} on channel {channel} of {port}"
