"""Messages that are meant for later: a bounded heap on the monotonic clock. Nothing here, and nobody for it, ever sleeps."""

import heapq
import itertools
import math
import time
from collections.abc import Callable

from engine.remote.osc.packet import Message

MOST = 1024  # messages that wait
AHEAD_S = 10.0  # the furthest
NTP_TO_UNIX_S = 2_208_988_800  # from 1900 to 1970


class TooFarError(ValueError):
    """Dated further ahead than anybody is kept waiting for."""


class FullError(ValueError):
    """More messages wait than are remembered."""


class Schedule:
    """What waits for its time tag. The senders' clock is compared with ours once, when a message arrives; then time runs on
    time.monotonic(), so that a clock that is set meanwhile moves nothing. Not for two threads at once.

    `wall_s` tells the time of day, in seconds since 1970.
    """

    def __init__(self, wall_s: Callable[[], float] = time.time) -> None:
        self._wall_s = wall_s
        self.next_s = math.inf  # time.monotonic() at which the next one is due; infinity if none waits. From any thread
        self._waiting: list[tuple[float, int, Message, tuple[str, int]]] = []
        self._count = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def ahead_s(self, time_tag: int | None) -> float:
        """How far ahead of our clock a time tag is: at most 0 for the past, and for none, zero and "at once"."""
        return 0.0 if time_tag is None or time_tag <= 1 else time_tag / 2**32 - NTP_TO_UNIX_S - self._wall_s()

    def put(self, message: Message, sender: tuple[str, int], now_s: float, ahead_s: float) -> None:
        """Remember `message` until `ahead_s` after `now_s`. Raises TooFarError or FullError; nothing is then remembered."""
        if ahead_s > AHEAD_S:
            raise TooFarError(f"expected a time tag at most {AHEAD_S:.0f} s ahead; got {ahead_s:.3f} s for {message.address}")
        if len(self._waiting) >= MOST:
            raise FullError(f"expected at most {MOST} messages waiting for their time tags; got one more, {message.address}")
        heapq.heappush(self._waiting, (now_s + ahead_s, next(self._count), message, sender))
        self.next_s = self._waiting[0][0]

    def due(self, now_s: float) -> list[tuple[Message, tuple[str, int]]]:
        """Those whose time has come, in the order of their time tags and then of their arrival."""
        found = []
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, message, sender = heapq.heappop(self._waiting)
            found.append((message, sender))
        self.next_s = self._waiting[0][0] if self._waiting else math.inf
        return found
