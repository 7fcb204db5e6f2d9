"""Does what was asked for: each call of an action in its turn, by a show in real time or by a film. What fails is told."""

import time
from collections.abc import Callable, Iterable

from engine.control.action import ActionParam, FilmControl, ShowControl
from engine.control.tree import ParamTree
from engine.core.types import Call

TELL_S = 1.0


class RefusalCount:
    """Counts what hands ask in vain, and says it at most once a second: a controller may ask in vain a thousand times."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.count = 0
        self._say, self._said_s = say, -TELL_S

    def refuse(self, message: str) -> None:
        """Count one; any thread."""
        self.count += 1
        now = time.monotonic()
        if now - self._said_s >= TELL_S:
            self._said_s = now
            self._say(message)


def run_calls(calls: Iterable[Call], tree: ParamTree, show: ShowControl) -> None:
    """Do each call. For the thread that draws."""
    for call in calls:
        _run(call, tree, show)


def run_calls_of_film(calls: Iterable[Call], tree: ParamTree, film: FilmControl) -> None:
    """Do what makes sense in a film, and refuse the rest aloud."""
    for call in calls:
        param = tree.leaf(call.address).param
        if isinstance(param, ActionParam) and not param.action.in_film:
            film.say(f"expected an action that a film does; got {call.address}; the film goes on")
        else:
            _run(call, tree, film)


def _run(call: Call, tree: ParamTree, show: FilmControl) -> None:
    param = tree.leaf(call.address).param
    if not isinstance(param, ActionParam):
        return
    try:
        param.action().do(show, *call.arguments)
    except (LookupError, OSError, ValueError) as error:
        wrong = error.args[0] if isinstance(error, LookupError) and error.args else error
        show.refuse(f"{wrong}, for {call.address}; kept what plays")
