"""Does what was asked for: each call of an action in its turn, by a show in real time or by a film. What fails is told."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from engine.control.action import ActionParam, FilmControl, ShowControl
from engine.control.tree import ParamTree
from engine.core.types import Call

log = logging.getLogger("clavilux.actions")

TELL_S = 1.0
KINDS = 4  # told of one second, each in a line of its own; more are counted together
ENOUGH_S = 0.01  # of one frame for calls: the rest is done in the next ones
FLOOD = 8  # more waiting calls than this are no hand's, and of those that set the same state only the last is done


class RefusalCount:
    """Counts what hands ask in vain: a controller may ask in vain a thousand times.

    The first is said at once; what else comes within a second is said when it is over, each message once with its count.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.count = 0
        self._say, self._said_s = say, -TELL_S
        self._waiting: dict[str, int] = {}
        self._others = 0
        self._changing = threading.Lock()

    def refuse(self, message: str) -> None:
        """Count one; any thread."""
        with self._changing:
            self.count += 1
            left_s = self._said_s + TELL_S - time.monotonic()
            if left_s > 0.0 or self._waiting:
                if message in self._waiting or len(self._waiting) < KINDS:
                    self._waiting[message] = self._waiting.get(message, 0) + 1
                else:
                    self._others += 1
                if len(self._waiting) == sum(self._waiting.values()) == 1:  # the first that waits
                    later = threading.Timer(max(left_s, 0.0), self._tell)
                    later.daemon = True
                    later.start()
                return
            self._said_s = time.monotonic()
        self._say(message)

    def _tell(self) -> None:
        with self._changing:
            waiting, others, self._waiting, self._others = self._waiting, self._others, {}, 0
            self._said_s = time.monotonic()
        for message, count in waiting.items():
            self._say(message if count == 1 else f"{message} ({count} times)")
        if others:
            self._say(f"{others} more of other kinds refused")


def run_calls(waiting: deque[Call], tree: ParamTree, show: ShowControl) -> None:
    """Do the calls that wait, in order, as far as a frame has time for them; one is always done. For the thread that draws."""
    began = time.monotonic()
    if len(waiting) > FLOOD:
        calls = [waiting.popleft() for _ in range(len(waiting))]  # another thread puts in at the other end
        last = {call.address: call for call in calls}
        kept = [call for call in calls if last[call.address] is call or not tree.leaf(call.address).param.holds]
        if len(kept) < len(calls):
            show.refuse(f"expected fewer calls; got {len(calls)} in one frame; did the last of each")
        waiting.extendleft(reversed(kept))
    while waiting and (time.monotonic() - began < ENOUGH_S):
        _run(waiting.popleft(), tree, show)


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
    except Exception as error:  # an action's own fault: whoever wrote it wants to know where
        log.exception("expected %s to be done; got an error of its own; kept what plays", call.address)
        show.refuse(f"expected {call.address} to be done; got {type(error).__name__}: {error}; kept what plays")
