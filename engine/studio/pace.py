"""How far a long piece of work is, and how long it will take: a line every two seconds."""

import time
from collections.abc import Callable

EVERY_S = 2.0


class Pace:
    """Counts the steps of `total`, each of one of `things`, and tells `say`."""

    def __init__(self, total: int, things: str, say: Callable[[str], None]) -> None:
        self._total, self._things, self._say = total, things, say
        self._done, self._began_s = 0, time.monotonic()
        self._said_s = self._began_s

    def step(self, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        now_s = time.monotonic()
        if now_s - self._said_s < EVERY_S or not self._done:
            return
        self._said_s = now_s
        left_s = (now_s - self._began_s) * (self._total - self._done) / self._done
        self._say(f"{self._done} of {self._total} {self._things}, {in_words(left_s)} left")


def in_words(seconds: float) -> str:
    """A time as people say it: 40 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
