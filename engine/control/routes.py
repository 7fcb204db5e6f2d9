"""Routes: signals added to parameters, with an amount and a mute each, and one amount for all that is heard."""

from collections.abc import Iterable, Sequence

from engine.control.signals import Signals
from engine.control.tree import Target
from engine.core.params import Param, Parametric


class Route(Parametric):
    """The hand's hold on one route: /route/<name>/amount and /route/<name>/mute."""

    amount = Param(0.0, low=-4.0, high=4.0, doc="How far the target moves, in turns of its whole range, for a source of 1.")
    mute = Param(False, doc="Holds this route at nothing.")


class Audio(Parametric):
    """/audio/amount: how much of what is heard reaches the picture."""

    amount = Param(1.0, low=0.0, high=2.0, doc="Scales every route that comes from sound; the macro `audio` moves it.")


class Router:
    """Adds every route's share to its target, once a tick; `others` are targets that someone else adds to afterwards."""

    def __init__(self, signals: Signals, routes: Sequence[tuple[Route, int, Target]], others: Iterable[Target] = ()) -> None:
        self.signals = signals
        self.targets = tuple(dict.fromkeys((*(target for _, _, target in routes), *others)))
        self._routes = [
            (route.leaves["amount"], route.leaves["mute"], slot, target, signals.heard[slot]) for route, slot, target in routes
        ]

    def step(self, audio: float) -> None:
        """Write the offsets of this tick; `audio` is the amount in force."""
        for target in self.targets:
            target.offset = 0.0
        now = self.signals.now
        for amount, mute, slot, target, heard in self._routes:
            x = now[slot]
            if x != 0.0 and not mute.value:
                target.offset += amount.value * x * audio if heard else amount.value * x  # type: ignore[operator]
