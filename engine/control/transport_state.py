"""What a performer asked of the beat and no parameter holds: kept in the journal, and read back with care."""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from typing import NamedTuple, TypeGuard

from engine.core.tick_context import BEATS_A_BAR

FACTORS = (0.25, 4.0)  # of a followed tempo
FARTHEST = 1000.0  # beats: more than hands nudge in a show


class Place(NamedTuple):
    """Where in the bar a show was, in beats, and when that was heard (time.monotonic()); whose bars hands had moved."""

    beats: float
    t_heard: float
    resynced: tuple[str, ...]


def read_state(
    state: object, factors: MutableMapping[str, float], nudges: MutableMapping[str, float]
) -> tuple[Place | None, list[str]]:
    """Put what a state says into `factors` and `nudges`; its place, if it has one, and what could not be taken, as messages."""
    told = state if isinstance(state, Mapping) else {}
    refused = []
    for what, kept, low, high in (("factors", factors, *FACTORS), ("nudges", nudges, -FARTHEST, FARTHEST)):
        values = told.get(what)
        for name in kept:
            value = values.get(name) if isinstance(values, Mapping) else None
            if _within(value, low, high):
                kept[name] = float(value)
            else:
                refused.append(f"expected {what} of {name} of {low:g} to {high:g}; got {value!r:.80}; kept {kept[name]:g}")
    place, t_heard, resynced = told.get("place"), told.get("t_heard"), told.get("resynced")
    if _within(place, 0.0, BEATS_A_BAR) and _within(t_heard, -math.inf, math.inf):
        moved = tuple(name for name in factors if isinstance(resynced, Sequence) and name in resynced)
        return Place(float(place), float(t_heard), moved), refused
    if place is not None or not told:
        refused.append(f"expected a place in the bar and its time; got {place!r:.80}, {t_heard!r:.80}; kept the bar's start")
    return None, refused


def _within(value: object, low: float, high: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high and math.isfinite(value)
