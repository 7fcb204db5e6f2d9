"""Drops what comes twice: a program that plays into our own port may itself be a port that we hear. Pure."""

from collections import deque

TWIN_S = 0.1  # between both ways of one message
SHORT_S, LONG_S = 0.002, 0.1  # how long what came into our port waits for its twin: at first, and where there are twins
LASTS_S = 1.0  # without a twin it is no echo any more
# Song position, clock, start, continue, stop: two senders' clocks look alike, and each port has a clock of its own.
CLOCK = frozenset(bytes((status,)) for status in (0xF2, *range(0xF8, 0xFD)))


class LoopFilter:
    """Holds back what came into our own port until it is known that it came by no other.

    By another port everything passes at once, and so do clocks. A program that plays into ours alone is 2 ms later.
    """

    def __init__(self) -> None:
        self._others: dict[bytes, deque[float]] = {}
        self._order: deque[tuple[float, bytes]] = deque()  # of all in `_others`, to forget them by
        self._own: deque[tuple[bytes, float]] = deque()
        self._until = 0.0

    def other(self, packet: bytes, t: float) -> None:
        """A packet came by another port."""
        if packet[:1] in CLOCK:
            return
        self._others.setdefault(packet, deque()).append(t)
        self._order.append((t, packet))

    def own(self, packet: bytes, t: float) -> None:
        """A packet came into our own port."""
        self._own.append((packet, t))

    def ready(self, now: float) -> list[tuple[bytes, float]]:
        """What came into our port, and by no other, in order; clocks pass whatever waits."""
        while self._order and now - self._order[0][0] > 2.0 * TWIN_S:
            t, packet = self._order.popleft()
            times = self._others.get(packet)
            if times and times[0] <= t:
                times.popleft()
            if not times:
                self._others.pop(packet, None)
        found: list[tuple[bytes, float]] = []
        for _ in range(len(self._own)):
            packet, t = self._own.popleft()
            if packet[:1] in CLOCK:
                found.append((packet, t))
            elif self._has_twin(packet, t):
                self._until = now + LASTS_S
            elif now - t >= (LONG_S if now < self._until else SHORT_S):
                found.append((packet, t))
            else:
                self._own.append((packet, t))
        return found

    def _has_twin(self, packet: bytes, t: float) -> bool:
        times = self._others.get(packet)
        while times and times[0] < t - TWIN_S:
            times.popleft()
        if not times or times[0] > t + TWIN_S:
            return False
        times.popleft()
        return True
