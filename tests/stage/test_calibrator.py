from dataclasses import replace

import numpy as np
import pytest
from pictures import frame, landscape, tick

from engine.core.types import Music, Tick
from engine.stage.calibrator import FLASH_S
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

TICK_S, BPM = 256 / 48000, 117.0
RATE_HZ = 60.0


def calibrating(number: int, ahead_s: float = 0.0, params: dict[str, object] | None = None) -> Tick:
    """The tick of a steady beat, whose picture leads it."""
    music = Music(BPM, number * TICK_S * BPM / 60.0, "hands", ahead_s)
    return replace(tick({"/sync/calibrate": True, **(params or {})}, number), music=music)


def drawn(stage: Stage, made: Tick) -> int:
    """The one grey of a picture that must have only one."""
    stage.draw(made, made.number * TICK_S, 1 / RATE_HZ)
    picture = stage.read()
    assert (picture[..., :3] == picture[0, 0, 0]).all()
    return int(picture[0, 0, 0])


@pytest.mark.parametrize("ahead_s", [0.0, 0.045, -0.1])
def test_white_on_black_at_each_beat_as_far_ahead_as_the_picture_leads(stage, ahead_s):
    shown = {number: drawn(stage, calibrating(number, ahead_s)) for number in range(0, 800, 3)}
    assert set(shown.values()) == {0, 255}
    for number, grey in shown.items():
        since_s = (number * TICK_S + ahead_s) % (60.0 / BPM)
        assert (grey == 255) == (since_s < FLASH_S)
    begun = sum(shown[number] > shown.get(number - 3, 0) for number in shown)
    assert begun == pytest.approx(800 * TICK_S * BPM / 60.0, abs=1.01)


def test_neither_the_limiter_nor_master_dims_it_but_blackout_is_black(stage):
    fast = {"/limiter/flashes": 0.5, "/master/level": 0.3, "/freeze": True}
    for number in range(0, 2000, 97):
        beat = calibrating(round(number * TICK_S * BPM / 60.0) * 60.0 / BPM / TICK_S, 0.001, fast)
        assert drawn(stage, beat) == 255
    assert drawn(stage, calibrating(0, 0.001, {"/blackout": True})) == 0


def test_afterwards_nothing_of_it_is_left(context, passes):
    pictures = []
    params = {"/shader/feedback/amount": 0.7, "/shader/bloom/amount": 0.4, "/shader/flash/amount": 0.2, "/stage/grain": 0.4}
    for interrupted in (False, True):
        stage = Stage(context, (160, 96), StageSettings(), passes, internal_size=(160, 96))
        try:
            stage.set_frame(frame(landscape()))
            for number in range(12):
                if interrupted and number == 6:
                    for beat in range(0, 300, 3):
                        drawn(stage, calibrating(beat))
                stage.draw(tick(params, number), 5.0 + number / RATE_HZ, 1 / RATE_HZ)
            pictures.append(stage.read())
        finally:
            stage.close()
    assert pictures[0][..., :3].std() > 5
    assert np.array_equal(*pictures)


def test_a_show_may_begin_with_it(stage):
    assert drawn(stage, calibrating(0, 0.001)) == 255
    stage.set_frame(frame(landscape()))
    stage.draw(tick({}), 0.1, 0.1)
    assert stage.read()[..., :3].std() > 1


def test_its_cheap_pictures_do_not_make_the_next_ones_larger(context, passes):
    stage = Stage(context, (640, 384), StageSettings(), passes)
    try:
        for _ in range(200):
            stage.adapt(100.0, 30.0)
        small = stage.internal_size
        for number in range(300):
            drawn(stage, calibrating(number))
            stage.adapt(0.1, 30.0)
        assert stage.internal_size == small
        stage.draw(tick({}), 2.0, 0.1)
        for _ in range(300):
            stage.adapt(0.1, 30.0)
        assert stage.internal_size > small
    finally:
        stage.close()
