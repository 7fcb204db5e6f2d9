"""From a film of numbers to latencies: when the picture first moved after each kick."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUIET_S = 0.6  # before a kick, from which the picture's own motion is known
WITHIN_S = 0.4  # an answer later than this is none
STANDS_OUT = 1.25  # times the largest change of the quiet time


@dataclass(frozen=True, slots=True)
class Answers:
    """`latencies_ms` of the kicks that were answered; `missed` counts the others."""

    latencies_ms: tuple[float, ...]
    missed: int


def first_changes(times: NDArray[np.float64], changes: NDArray[np.float64], kicks: Sequence[float]) -> Answers:
    """The first picture after each kick that differs from the one before it by more than any just before the kick did.

    `times` (N,) are when pictures were read back, `changes` (N,) how far each is from its predecessor, `kicks` when sounds
    were played; all on one clock. Kicks without quiet pictures before them are left out.
    """
    latencies, missed = [], 0
    for kick in kicks:
        before = changes[(times > kick - QUIET_S) & (times <= kick)]
        after = (times > kick) & (times <= kick + WITHIN_S)
        if before.size < 5 or not after.any():
            continue
        answered = np.flatnonzero(after & (changes > STANDS_OUT * before.max()))
        if answered.size:
            latencies.append(float(times[answered[0]] - kick) * 1e3)
        else:
            missed += 1
    return Answers(tuple(latencies), missed)


def delays(played: Sequence[float], heard: Sequence[float], within_s: float = 0.3) -> tuple[float, ...]:
    """Milliseconds from each sound played to the first heard after it; those that were never heard are left out."""
    found = []
    for start in played:
        later = [moment - start for moment in heard if 0.0 <= moment - start <= within_s]
        if later:
            found.append(min(later) * 1e3)
    return tuple(found)
