import time

import pytest
from pictures import tick

from engine.stage.gpu_timer import LAG, GpuTimer


def test_it_tells_the_time_of_a_picture_drawn_a_few_pictures_before(context, stage):
    timer, walls = GpuTimer(context), []
    for number in range(LAG + 6):
        assert (timer.ms > 0.0) == (number > LAG)
        started = time.perf_counter()
        with timer:
            for _ in range(1 + 8 * (number % 2)):  # every other one is long
                stage.draw(tick(), 5.0 + number, 0.01)
        walls.append((time.perf_counter() - started) * 1e3)
        if number > LAG:
            assert 0.05 * walls[number - LAG] < timer.ms < 1.5 * walls[number - LAG]


def test_the_first_pictures_cost_nothing_known(context):
    assert GpuTimer(context).ms == pytest.approx(0.0)
