"""Internal resolution by the time there is: pure functions over small values, so a clock of one's own can test them."""

from dataclasses import dataclass, replace

SCALES = (0.25, 1 / 3, 0.5, 0.75, 1.0)  # of the output's size
LEAST_HEIGHT = 180  # below it a picture falls apart
TOO_SLOW, ROOM = 0.9, 0.7  # parts of the budget: above the first go down; expected below the second go up
DOWN_S, UP_S, LONGEST_UP_S = 0.4, 3.0, 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the internal size stands and what speaks for moving it."""

    level: int  # index into the sizes
    cost_ms: float = 0.0  # smoothed
    slow_s: float = 0.0  # how long it has been too slow
    quick_s: float = 0.0  # how long a larger size would have fitted
    wait_s: float = UP_S  # how long it must have fitted; doubled by each step up that had to be taken back
    since_up_s: float = 1e9


def sizes(output: tuple[int, int], largest: float = 1.0) -> tuple[tuple[int, int], ...]:
    """The internal sizes for an output, smallest first, even numbers of pixels, none below 180 rows."""
    found: list[tuple[int, int]] = []
    for scale in SCALES:
        scale = min(max(scale, LEAST_HEIGHT / output[1]), largest, 1.0)
        size = (max(2, round(output[0] * scale / 2) * 2), max(2, round(output[1] * scale / 2) * 2))
        if size not in found:
            found.append(size)
    return tuple(found)


def paced(pace: Pace, frame_ms: float, budget_ms: float, ladder: tuple[tuple[int, int], ...]) -> Pace:
    """The pace after one more frame that took `frame_ms` of drawing where `budget_ms` were to be had.

    It goes down after 0.4 s of too slow frames, up after 3 s in which the larger size would have fitted; a step up that
    is taken back within 10 s doubles the wait, so the size does not pump.
    """
    step_s = min(max(budget_ms, frame_ms), 2 * budget_ms) / 1e3  # one stall says nothing about the size
    level = min(pace.level, len(ladder) - 1)
    cost = frame_ms if pace.cost_ms == 0.0 else pace.cost_ms + 0.1 * (min(frame_ms, 4 * budget_ms) - pace.cost_ms)
    slow_s = pace.slow_s + step_s if cost > TOO_SLOW * budget_ms else 0.0
    above = cost * _area(ladder[level + 1]) / _area(ladder[level]) if level + 1 < len(ladder) else float("inf")
    quick_s = pace.quick_s + step_s if above < ROOM * budget_ms else 0.0
    since_up_s = pace.since_up_s + step_s
    if slow_s >= DOWN_S and level > 0:
        wait_s = min(2 * pace.wait_s, LONGEST_UP_S) if since_up_s < 10.0 else pace.wait_s
        return Pace(level - 1, cost * _area(ladder[level - 1]) / _area(ladder[level]), wait_s=wait_s)
    if quick_s >= pace.wait_s:
        return Pace(level + 1, above, wait_s=pace.wait_s, since_up_s=0.0)
    return replace(pace, level=level, cost_ms=cost, slow_s=slow_s, quick_s=quick_s, since_up_s=since_up_s)


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]
