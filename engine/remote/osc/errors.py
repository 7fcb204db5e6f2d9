"""What was refused, counted by reason and told once a second, each kind with its count: a flood must not become one of lines."""

from collections.abc import Callable

MALFORMED = "malformed"
UNKNOWN = "unknown_address"
BAD_VALUE = "bad_value"
NOT_ALLOWED = "not_allowed"
TOO_MUCH_WORK = "too_much_work"
TOO_FAR = "too_far_ahead"
TOO_MANY_WAITING = "too_many_waiting"
TOO_MANY_ANSWERS = "too_many_answers"
REASONS = (MALFORMED, UNKNOWN, BAD_VALUE, NOT_ALLOWED, TOO_MUCH_WORK, TOO_FAR, TOO_MANY_WAITING, TOO_MANY_ANSWERS)

EVERY_S = 1.0
LONGEST = 300  # characters of a line
KINDS = 4  # told of one second, each in a line of its own; more are counted together


class _Kind:
    """Refusals of one reason and address, from one sender."""

    __slots__ = ("count", "line")

    def __init__(self, line: str) -> None:
        self.line, self.count = line, 0


class ErrorCounter:
    """Counts refusals for as long as the show runs. `say` is given the first at once, then those of each second together."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.counts = dict.fromkeys(REASONS, 0)
        self._say = say
        self._said_s = -EVERY_S
        self._kinds: dict[tuple[str, str, str], _Kind] = {}
        self._others = 0

    @property
    def next_s(self) -> float:
        """time.monotonic() at which `due` has something to tell; infinity if never."""
        return self._said_s + EVERY_S if self._kinds else float("inf")

    def refuse(self, reason: str, sender: tuple[str, int], now_s: float, wrong: Callable[[], str], about: str = "") -> None:
        """Count one, `about` an address; `wrong` says "expected ... got ...; kept ..." and is asked once for each kind told."""
        self.counts[reason] += 1
        self.due(now_s)
        if now_s - self._said_s >= EVERY_S:
            self._said_s = now_s
            self._say(_line(sender, wrong()))
            return
        key = reason, about, sender[0]
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= KINDS:
                self._others += 1
                return
            kind = self._kinds[key] = _Kind(_line(sender, wrong()))
        kind.count += 1

    def due(self, now_s: float) -> None:
        """Tell what was refused since the last line, if that was a second ago."""
        if not self._kinds or now_s - self._said_s < EVERY_S:
            return
        self._said_s = now_s
        for kind in self._kinds.values():
            self._say(kind.line if kind.count == 1 else f"{kind.line} ({kind.count} times)")
        if self._others:
            self._say(f"OSC: {self._others} more of other kinds refused")
        self._kinds.clear()
        self._others = 0


def _line(sender: tuple[str, int], wrong: str) -> str:
    return f"OSC from {sender[0]}:{sender[1]}: {wrong if len(wrong) <= LONGEST else wrong[:LONGEST] + ' ...'}"
