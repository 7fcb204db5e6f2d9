"""Reads modulated values by address; what is not finite keeps its last good value."""

import math
from collections.abc import Mapping

from engine.core.params import Leaf
from engine.core.types import Value


class Values:
    """One a stage; `params` is the mapping of the newest tick."""

    def __init__(self) -> None:
        self.params: Mapping[str, Value] = {}
        self.refused = 0  # values that were no finite numbers
        self._good: dict[str, float] = {}

    def number(self, address: str, leaf: Leaf) -> float:
        """The value at `address`, clipped to the range of `leaf`; without one, that of `leaf`."""
        raw = self.params.get(address, leaf.value)
        if isinstance(raw, int | float) and math.isfinite(raw):
            number = float(raw)
            if leaf.param.kind != "bool":
                number = min(max(number, leaf.param.low), leaf.param.high)
            self._good[address] = number
            return number
        self.refused += 1
        return self._good.get(address, float(leaf.param.default))  # type: ignore[arg-type]  # a numeric kind

    def truth(self, address: str, leaf: Leaf) -> bool:
        """The value at `address` as a switch."""
        return self.number(address, leaf) >= 0.5

    def choice(self, address: str, leaf: Leaf) -> str:
        """The value at `address`, one of the choices of `leaf`."""
        raw = self.params.get(address)
        return raw if isinstance(raw, str) and raw in leaf.param.choices else str(leaf.param.default)
