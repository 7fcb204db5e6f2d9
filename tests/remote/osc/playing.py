"""A show's parameters with its clock, without sound or pictures, for everything that arrives from outside."""

import threading
import time
from collections.abc import Callable, MutableSequence
from typing import Any

from song import served

from engine.control.action import action_leaves
from engine.control.tree import ParamTree
from engine.core.params import Param, Parametric, Trigger
from engine.core.types import Change
from engine.instrument.show_params import Master, Switches

TICK_S = 256 / 48000


class Walk(Parametric):
    """A part of every kind."""

    jitter = Param(0.5, doc="A float.")
    rate = Param(1.0, low=0.1, high=10.0, curve="exp", doc="A float on a curve.")
    steps = Param(4, low=1, high=16, doc="An int.")
    shape = Param("sine", choices=("sine", "saw"), doc="A choice.")
    z = Param((), low=-4.0, high=4.0, doc="A vector.")
    w = Param((), low=-100.0, high=100.0, counts=(2, 2048), doc="A vector of so many numbers.")
    step = Param(Trigger, doc="A trigger.")


class Show:
    """A tree that is stepped as a performance steps it; `changes` are all that came into force."""

    def __init__(self) -> None:
        self.tree = ParamTree()
        self.changes: MutableSequence[Change] = []
        self.came: dict[str, float] = {}  # address -> time.monotonic() when it last came into force
        self.tree.attach("", Switches().leaves)
        self.tree.attach("master", Master().leaves)
        self.tree.replace((), action_leaves())
        self.tree.attach("walk", Walk().leaves)
        self.tree.attach("macro", {str(number): Walk().leaves["jitter"] for number in range(1, 9)})
        self._playing = True
        self._thread = threading.Thread(target=self._run, name="ticks", daemon=True)
        self._thread.start()

    def __getitem__(self, address: str) -> Any:
        return self.tree.leaf(address).base

    def fired(self, address: str) -> int:
        return sum(change.address == address for change in self.changes)

    def settle(self) -> None:
        """Until what has been posted is in force."""
        seen = self.ticks
        until(lambda: self.ticks >= seen + 2)

    def close(self) -> None:
        self._playing = False
        self._thread.join()

    def _run(self) -> None:
        self.ticks = 0
        while self._playing:
            for change in served(self.tree):
                self.changes.append(change)
                self.came[change.address] = time.monotonic()
            self.tree.update(TICK_S)
            self.ticks += 1
            time.sleep(TICK_S)


def until(condition: Callable[[], Any], limit_s: float = 10.0) -> Any:
    """What the condition gives once it holds. Fails if it never does."""
    end_s = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end_s, f"waited {limit_s} s in vain"
        time.sleep(0.002)
    return found
