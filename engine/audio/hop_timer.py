"""The hop timer: paces what has no device of its own."""

import time
from threading import Event

LATE_S = 0.25  # further behind than this, the time is given up instead of caught up in a burst


class HopTimer:
    """Says when each hop is due. After a suspend or a long stall it re-anchors, so no burst of hops follows."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due = time.monotonic() + period_s

    def wait(self, timeout_s: float, stop: Event) -> float | None:
        """Wait for the next hop's end: its time.monotonic(), or None when it is further off than `timeout_s` or `stop` is set."""
        now = time.monotonic()
        if now - self._due > LATE_S:
            self._due = now
        ahead_s = self._due - now
        if stop.wait(max(0.0, min(ahead_s, timeout_s))) or ahead_s > timeout_s:
            return None
        due = self._due
        self._due += self._period_s
        return due

    def restart(self) -> None:
        """The next hop is due one period from now."""
        self._due = time.monotonic() + self._period_s
