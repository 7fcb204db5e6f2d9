"""One declaration of a parameter, from which its address, range, command-line flag and reference row all come.

The model is SuperCollider's ControlSpec: range, curve, step, units, and a map between 0..1 and the value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, overload

from engine.core.value import Value

CURVES = ("lin", "exp")
SWITCH_WORDS = {"on": "1", "true": "1", "yes": "1", "off": "0", "false": "0", "no": "0"}


class ParamError(ValueError):
    """A value that a parameter does not take; the message says what was expected and what came."""


class Trigger:
    """The default of a parameter that fires instead of holding a value."""


class Param:
    """Declares a parameter of a `Parametric` class: `jitter = Param(0.5, low=0, high=1, doc="...")`.

    The kind follows from the default: bool, int, float, text, choice (text with `choices`), vector (a tuple), trigger.
    Reading the attribute gives the modulated value in force.

    `low` and `high` bound a number, and each number of a vector. `curve` "exp" gives every octave as much of a knob as the next.
    `unit` is told beside the value. The whole range takes `slew_s` seconds at least. With `adds` every post counts, where
    otherwise the newest of a tick takes the place of those before it.
    """

    def __init__(
        self,
        default: Value | type[Trigger],
        *,
        doc: str,
        low: float = 0.0,
        high: float = 1.0,
        curve: str = "lin",
        unit: str = "",
        slew_s: float = 0.0,
        choices: Sequence[str] = (),
        adds: bool = False,
        counts: Sequence[int] = (),
        formerly: Sequence[str] = (),
    ) -> None:
        self.name = ""
        self.doc, self.low, self.high, self.unit, self.slew_s = doc, float(low), float(high), unit, slew_s
        self.curve, self.choices = curve, tuple(choices)
        self.formerly = tuple(formerly)  # names that it had before: they keep answering, unlisted
        self.counts = tuple(counts)  # how many numbers a vector takes, besides none; () for any
        self.kind = _kind_of(default, self.choices)
        self.adds = adds or self.kind == "trigger"  # each post counts: the next does not take its place
        self.holds = self.kind != "trigger"  # whether there is a value to ask for
        if curve not in CURVES or (curve == "exp" and self.low <= 0.0) or self.low >= self.high:
            raise ParamError(f"expected low < high and a curve of {CURVES} (exp needs low > 0); got {low}..{high} {curve}")
        self.default: Value = 0 if isinstance(default, type) else self.check(default)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: "Parametric", owner: type) -> Any: ...
    def __get__(self, instance: "Parametric | None", owner: type) -> Any:
        return self if instance is None else instance.leaves[self.name].value

    @property
    def numeric(self) -> bool:
        """Whether routes can move it and it has a normalised twin."""
        return self.kind in ("float", "int", "bool")

    def check(self, raw: object) -> Value:
        """`raw` as a value of this kind, clipped to its range. Raises ParamError for another kind or count, NaN or infinity."""
        expected = f"expected {self.kind} for {self.name or 'parameter'}"
        if self.kind in ("choice", "text"):
            if not isinstance(raw, str) or (self.choices and raw not in self.choices):
                raise ParamError(f"{expected}{' of ' + ', '.join(self.choices) if self.choices else ''}; got {raw!r}")
            return raw
        if self.kind == "vector":
            if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
                raise ParamError(f"{expected}; got {raw!r}")
            if self.counts and raw and len(raw) not in self.counts:
                raise ParamError(f"{expected} of {' or '.join(map(str, self.counts))} numbers; got {len(raw)}")
            return tuple(_clip(_finite(item, expected), self.low, self.high) for item in raw)
        number = _finite(raw, expected)
        if self.kind == "bool":
            return number > 0.0 if isinstance(raw, bool) else number >= 0.5
        if self.kind == "trigger":
            return int(number > 0.0)
        number = _clip(number, self.low, self.high)
        return round(number) if self.kind == "int" else number

    def parse(self, text: str) -> Value:
        """A value written as text, as on a command line: `0.6`, `on`, `1,0.5`, `mirror`. Raises ParamError like `check`."""
        if self.kind in ("choice", "text"):
            return self.check(text)
        try:
            numbers = [float(SWITCH_WORDS.get(item.strip().lower(), item)) for item in text.split(",")]
        except ValueError:
            raise ParamError(f"expected {self.kind} for {self.name or 'parameter'}; got {text!r}") from None
        return self.check(numbers if self.kind == "vector" or len(numbers) != 1 else numbers[0])

    def map(self, position: float) -> Value:
        """The value at `position` of 0..1 on the curve."""
        position = _clip(position, 0.0, 1.0)
        if self.kind == "bool":
            return position >= 0.5
        if self.curve == "exp":
            return self.check(self.low * (self.high / self.low) ** position)
        return self.check(self.low + (self.high - self.low) * position)

    def unmap(self, value: Value) -> float:
        """The position 0..1 of a numeric value."""
        number = float(value)  # type: ignore[arg-type]
        if self.kind == "bool":
            return float(number > 0.0)
        if self.curve == "exp":
            return math.log(max(number, self.low) / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)


class Leaf:
    """One parameter of one instance. `base` is what the hand set; `value` is base plus routes, and is in force.

    `formerly` are the ends that its address had before: `enabled`, or `camera/x` where the part was renamed too.
    Only the control thread writes; any thread may read.
    """

    __slots__ = ("address", "base", "formerly", "param", "value")

    def __init__(self, param: Param, address: str = "") -> None:
        self.param, self.address = param, address
        self.formerly = param.formerly
        self.base: Value = param.default
        self.value: Value = param.default

    def set_base(self, raw: object) -> None:
        """Check and take a new base, at once in force. Raises ParamError; the old value is then kept."""
        self.base = self.value = self.param.check(raw)

    def reset(self) -> None:
        """Back to the declared default."""
        self.base = self.value = self.param.default


class Parametric:
    """Base class of everything with parameters; each instance has a `Leaf` for every `Param` of its class."""

    leaves: Mapping[str, Leaf]

    def __init__(self) -> None:
        self.leaves = {param.name: Leaf(param) for param in self.params()}

    @classmethod
    def params(cls) -> tuple[Param, ...]:
        """All declared parameters, base classes first, in order of declaration."""
        found: dict[str, Param] = {}
        for base in reversed(cls.__mro__):
            found.update({name: item for name, item in vars(base).items() if isinstance(item, Param)})
        return tuple(found.values())


def answer_to_former(leaves: Mapping[str, Leaf], names: Sequence[str]) -> None:
    """Let the leaves of a part, by name, answer to the `names` that the part itself had before, as in `camera/x`."""
    for key, leaf in leaves.items():
        leaf.formerly = (*leaf.param.formerly, *(f"{name}/{end}" for name in names for end in (key, *leaf.param.formerly)))


def former_addresses(leaves: Mapping[str, Leaf]) -> dict[str, str]:
    """The addresses that leaves, by address, had before -> those they have now. What has an address now keeps it."""
    found: dict[str, str] = {}
    for address, leaf in leaves.items():
        for old in leaf.formerly:
            root = address.rsplit("/", old.count("/") + 1)[0]
            found[f"{root}/{old}"] = address
    return {old: address for old, address in found.items() if old not in leaves}


def _kind_of(default: Value | type[Trigger], choices: tuple[str, ...]) -> str:
    if isinstance(default, type):
        return "trigger"
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, str):
        return "choice" if choices else "text"
    return {int: "int", float: "float"}.get(type(default), "vector")


def _finite(raw: object, expected: str) -> float:
    # NaN passes min and max unharmed, so it is refused first.
    if not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ParamError(f"{expected}; got {raw!r}")
    return float(raw)


def _clip(number: float, low: float, high: float) -> float:
    return min(max(number, low), high)
