"""The cadence of pictures under a fake clock."""

from itertools import pairwise

from engine.stage.frame_scheduler import SPARE, SPARE_A_S, FrameScheduler

RATE_HZ, DRAW_S = 30.0, 0.010


def run(seconds: float, touches: list[float], stalls: dict[int, float] | None = None) -> list[float]:
    """The moments at which pictures began."""
    cadence, now_s, begun = FrameScheduler(RATE_HZ, 0.0), 0.0, []
    waiting = sorted(touches)
    while now_s < seconds:
        begun.append(now_s)
        cadence.begin(now_s)
        now_s += DRAW_S + (stalls or {}).get(len(begun), 0.0)
        while waiting and waiting[0] <= now_s:
            waiting.pop(0)
            cadence.hasten()
        while waiting and waiting[0] < cadence.due_s:
            now_s = waiting.pop(0)
            cadence.hasten()
        now_s = max(now_s, cadence.due_s)
    return begun


def test_untouched_it_is_a_steady_rate():
    begun = run(10.0, [])
    assert all(abs(later - earlier - 1 / RATE_HZ) < 1e-9 for earlier, later in pairwise(begun))


def test_a_touch_is_answered_within_half_a_period_and_the_rate_goes_on():
    touches = [1.0 + 0.4 * number + 0.013 * number for number in range(12)]
    begun = run(8.0, touches)
    waits = [min(moment for moment in begun if moment >= touch) - touch for touch in touches]
    assert max(waits) <= 0.5 / RATE_HZ + DRAW_S
    assert max(later - earlier for earlier, later in pairwise(begun)) <= 1 / RATE_HZ + 1e-9


def test_a_flood_of_touches_does_not_double_the_rate():
    begun = run(20.0, [number / 1000 for number in range(20_000)])
    assert len(begun) <= 20.0 * (RATE_HZ + SPARE_A_S) + SPARE
    assert min(later - earlier for earlier, later in pairwise(begun)) >= 0.5 / RATE_HZ - 1e-9


def test_after_a_stall_there_is_no_burst():
    begun = run(5.0, [], {30: 1.0})
    assert min(later - earlier for earlier, later in pairwise(begun)) >= 1 / RATE_HZ - 1e-9
