"""The internal size under a fake clock: a machine is a number of milliseconds a megapixel."""

from itertools import pairwise

import pytest

from engine.stage.dynamic_resolution import Pace, paced, sizes

OUTPUT, BUDGET_MS = (1280, 720), 33.3


def run(pace, ladder, ms_per_megapixel, seconds, trace=None, noise=lambda number: 1.0):
    time_s, number = 0.0, 0
    while time_s < seconds:
        width, height = ladder[pace.level]
        cost = ms_per_megapixel * width * height / 1e6 * noise(number)
        time_s, number = time_s + max(cost, BUDGET_MS) / 1e3, number + 1
        pace = paced(pace, cost, BUDGET_MS, ladder)
        if trace is not None:
            trace.append(pace.level)
    return pace


def test_sizes_are_even_keep_the_shape_and_end_at_180_rows():
    assert sizes((1280, 720)) == ((320, 180), (426, 240), (640, 360), (960, 540), (1280, 720))
    assert sizes((640, 360)) == ((320, 180), (480, 270), (640, 360))
    assert sizes((320, 180)) == ((320, 180),)
    assert sizes((1280, 720), largest=0.5) == ((320, 180), (426, 240), (640, 360))
    assert sizes((100, 90)) == ((100, 90),)


def test_a_slow_machine_goes_down_to_the_smallest_size_within_seconds():
    ladder = sizes(OUTPUT)
    assert run(Pace(len(ladder) - 1), ladder, 400.0, 6.0).level == 0


def test_a_quick_machine_goes_up_step_by_step():
    ladder = sizes(OUTPUT)
    trace = []
    assert run(Pace(0), ladder, 5.0, 20.0, trace).level == len(ladder) - 1
    assert max(b - a for a, b in pairwise(trace)) == 1


@pytest.mark.parametrize("ms_per_megapixel", [30.0, 60.0, 90.0, 110.0, 140.0, 200.0, 300.0])
def test_it_settles_and_does_not_pump(ms_per_megapixel):
    ladder, trace = sizes(OUTPUT), []
    run(Pace(2), ladder, ms_per_megapixel, 120.0, trace, noise=lambda number: 1.0 + 0.15 * ((number * 7919) % 11 - 5) / 5)
    late = trace[len(trace) // 6 :]
    assert sum(a != b for a, b in pairwise(late)) <= 2


def test_a_step_up_that_fails_is_tried_less_and_less_often():
    # The larger size costs more than its area says: each step up is taken back.
    ladder, pace, ups, time_s = sizes(OUTPUT), Pace(0), [], 0.0
    while time_s < 120.0:
        cost = 12.0 if pace.level == 0 else 60.0
        before, pace = pace.level, paced(pace, cost, BUDGET_MS, ladder)
        time_s += max(cost, BUDGET_MS) / 1e3
        if pace.level > before:
            ups.append(time_s)
    gaps = [b - a for a, b in pairwise(ups)]
    assert 3 <= len(ups) <= 7
    assert all(later > 1.5 * earlier for earlier, later in pairwise(gaps))


def test_one_stall_changes_nothing():
    ladder = sizes(OUTPUT)
    pace = run(Pace(2), ladder, 100.0, 2.0)
    assert paced(pace, 500.0, BUDGET_MS, ladder).level == pace.level
    assert run(paced(pace, 500.0, BUDGET_MS, ladder), ladder, 100.0, 1.0).level == pace.level
