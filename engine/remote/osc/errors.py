"""What was refused, counted by reason and told at most once a second: a flood of rubbish must not become a flood of lines."""

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


class ErrorCounter:
    """Counts refusals for as long as the show runs. `say` is given a line, at most one in EVERY_S."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.counts = dict.fromkeys(REASONS, 0)
        self._say = say
        self._said_s = -EVERY_S
        self._unsaid = 0

    def refuse(self, reason: str, sender: tuple[str, int], now_s: float, wrong: Callable[[], str]) -> None:
        """Count one; `wrong` says "expected ... got ...; kept ..." and is only asked if the line is told."""
        self.counts[reason] += 1
        if now_s - self._said_s < EVERY_S:
            self._unsaid += 1
            return
        self._said_s = now_s
        line = wrong()
        more = f" ({self._unsaid} more refused before)" if self._unsaid else ""
        self._unsaid = 0
        self._say(f"OSC from {sender[0]}:{sender[1]}: {line if len(line) <= LONGEST else line[:LONGEST] + ' ...'}{more}")
