"""Which runtime plays after a fault, and after what pause: one step down, if it must be. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

CALM_S = 10.0  # after so long a life, earlier failures are forgotten
FREE_FAILURES = 3  # in a row are followed by a restart at once; every further one doubles pause and patience
FIRST_PAUSE_S, MOST_DOUBLINGS = 0.5, 6
TRIES = 2  # of a runtime that never drew a frame
WARM_TRIES = 5  # of one that has drawn, in a row, where there is another below it
MEMORY = "out of memory"  # a card that others have filled stays full: what needs none of it takes over at once


@dataclass(frozen=True, slots=True)
class Step:
    """What to do after a fault: go on with `runtime` in `pause_s`, or, if it is empty, give up."""

    runtime: str
    pause_s: float
    fell: bool  # to another runtime than before


class Fallback:
    """The runtimes that may play, best first, and how the one that plays has fared."""

    def __init__(self, choices: Sequence[str], begin: str) -> None:
        self.choices, self.runtime = tuple(choices), begin
        self.patience = 1.0  # of whoever watches: a machine on which healthy processes seemed hung needs more
        self._failures = 0
        self._warm: set[str] = set()

    def rise(self, runtime: str) -> None:
        """A better one has taken over, and draws."""
        self.runtime, self._failures, self.patience = runtime, 0, 1.0
        self._warm.add(runtime)

    def step(self, fault: str, lived_s: float, warm: bool) -> Step:
        """The process that played has ended after `lived_s`, `warm` if it had drawn."""
        if warm:
            self._warm.add(self.runtime)
        self._failures = 1 if lived_s > CALM_S else self._failures + 1
        below = self.choices[self.choices.index(self.runtime) + 1 :]
        tries = WARM_TRIES if self.runtime in self._warm else TRIES
        full = MEMORY in fault.lower()
        fell = bool(below) and (self._failures >= tries or full)
        if fell:
            self.runtime, self._failures = below[0], 0
        elif self._failures >= tries and not self._warm:
            return Step("", 0.0, False)
        excess = min(max(self._failures - FREE_FAILURES, 0), MOST_DOUBLINGS)
        self.patience = 2.0**excess
        return Step(self.runtime, FIRST_PAUSE_S * 2.0 ** (excess - 1) if excess else 0.0, fell)
