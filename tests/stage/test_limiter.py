"""Strobes through the whole stage; the flashes that are left are counted in the read-back pictures."""

import numpy as np
import pytest
import reference
from pictures import frame, landscape, tick

from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

WHITE, BLACK = np.full((32, 32, 3), 255, np.uint8), np.zeros((32, 32, 3), np.uint8)


def field(*rgb):
    return np.full((32, 32, 3), rgb, np.uint8)


def part_white(share):
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[: round(40 * share)] = 255
    return picture


def flashes(trace, rate_hz, change, dark_below):
    """Most flashes in any second: pairs of opposing changes of at least `change` whose darker side is below `dark_below`."""
    turns, low, high, rising = [], trace[0], trace[0], None
    for number, value in enumerate(trace):
        low, high = min(low, value), max(high, value)
        if rising is not True and value >= low + change:
            if low < dark_below:
                turns.append(number)
            rising, high = True, value
        elif rising is not False and value <= high - change:
            if value < dark_below:
                turns.append(number)
            rising, low = False, value
        if rising is True:
            low = value if value > low else low
            low = high
        elif rising is False:
            high = low
        low, high = (min(low, value), high) if rising is not True else (low, max(high, value))
    window = round(rate_hz)
    return max((sum(start <= turn < start + window for turn in turns) for start in turns), default=0) // 2


def play(context, passes, pictures, rate_hz=60, seconds=2.5, params=None, size=(96, 60)):
    """Relative luminance and WCAG's red of every output picture; `pictures(number)` gives (frame or None, parameters)."""
    stage = Stage(context, size, StageSettings(), passes, size)
    light, red = [], []
    base = {"/stage/blend": False, "/shader/feedback/amount": 0.0, **(params or {})}
    for number in range(round((seconds + 1.2) * rate_hz)):
        rgb, extra = pictures(number)
        if rgb is not None:
            stage.set_frame(frame(rgb, number))
        stage.draw(tick(base | extra), 5.0 + number / rate_hz, 1 / rate_hz)
        if number >= 1.2 * rate_hz:  # the network has faded in
            linear = reference.decoded(stage.read())
            light.append(float(reference.luminance(linear).mean()))
            total = linear.sum(-1)
            saturated = linear[..., 0] >= 0.8 * np.maximum(total, 1e-9)
            red.append(float((np.maximum(2 * linear[..., 0] - total, 0) * saturated).mean()))
    stage.close()
    return np.array(light), np.array(red)


def strobe(one, other, rate_hz, flashes_hz):
    return lambda number: (one if int(2 * number * flashes_hz / rate_hz) % 2 else other, {})


def test_the_counter_counts():
    square = np.tile([0.0] * 5 + [1.0] * 5, 6)
    assert flashes(square, 60, 0.1, 0.8) in (5, 6)
    assert flashes(square * 0.09, 60, 0.1, 0.8) == 0
    assert flashes(0.85 + 0.15 * square, 60, 0.1, 0.8) == 0
    assert flashes(np.linspace(0, 1, 60), 60, 0.1, 0.8) == 0
    assert flashes(0.5 + 0.4 * np.sin(np.arange(180) / 60 * 2 * np.pi * 2), 60, 0.1, 0.8) == 2


STROBES = {
    "white 30 Hz": (WHITE, BLACK, 30),
    "white 15 Hz": (WHITE, BLACK, 15),
    "white 10 Hz": (WHITE, BLACK, 10),
    "white 4 Hz": (WHITE, BLACK, 4),
    "grey 10 Hz": (field(190, 190, 190), field(120, 120, 120), 10),
    "a third 15 Hz": (part_white(0.33), BLACK, 15),
    "red 15 Hz": (field(255, 0, 0), BLACK, 15),
    "red on blue 10 Hz": (field(255, 0, 0), field(0, 0, 255), 10),
    "red on green 7 Hz": (field(255, 0, 0), field(0, 130, 0), 7),
    "two pictures 10 Hz": (landscape(seed=1), landscape(seed=1) // 4, 10),
}


@pytest.mark.parametrize("name", STROBES)
@pytest.mark.parametrize("rate_hz", [60, 30])
def test_at_most_three_flashes_a_second_are_left(context, passes, name, rate_hz):
    one, other, flashes_hz = STROBES[name]
    light, red = play(context, passes, strobe(one, other, rate_hz, min(flashes_hz, rate_hz / 2)), rate_hz)
    assert flashes(light, rate_hz, 0.1, 0.8) <= 3
    assert flashes(red, rate_hz, 0.0625, 9.0) <= 3
    assert light.max() > 0.02, "limited to black"


def test_the_flash_pass_and_the_master_fader_are_limited_too(context, passes):
    rgb = landscape()

    def fader(number):
        return (rgb if number == 0 else None), {"/master/level": float(number // 3 % 2)}

    def pass_(number):
        return (rgb if number == 0 else None), {"/shader/flash/amount": float(number // 3 % 2)}

    for pictures in (fader, pass_):
        light, _ = play(context, passes, pictures)
        free, _ = play(context, passes, pictures, params={"/limiter/on": False})
        assert flashes(light, 60, 0.1, 0.8) <= 3 < flashes(free, 60, 0.1, 0.8)


def test_random_light_is_limited(context, passes):
    levels = np.random.default_rng().integers(0, 256, 400)  # another strobe each run
    light, _ = play(context, passes, lambda number: (field(*[levels[number // 2]] * 3), {}), seconds=4)
    assert flashes(light, 60, 0.1, 0.8) <= 3, levels.tolist()


def test_the_override_lets_everything_through(context, passes):
    light, _ = play(context, passes, strobe(WHITE, BLACK, 60, 10), params={"/limiter/on": False})
    assert flashes(light, 60, 0.1, 0.8) >= 9
    light, _ = play(context, passes, strobe(WHITE, BLACK, 60, 10), params={"/limiter/flashes": 1.0})
    assert flashes(light, 60, 0.1, 0.8) <= 1


@pytest.mark.parametrize("flashes_hz", [1.0, 2.0, 2.8])
def test_what_may_flash_is_not_touched(context, passes, flashes_hz):
    pictures = strobe(WHITE, BLACK, 60, flashes_hz)
    light, _ = play(context, passes, pictures)
    free, _ = play(context, passes, pictures, params={"/limiter/on": False})
    assert np.abs(light - free).max() < 0.01


def test_a_fall_is_never_held_back(context, passes):
    def cut(number):
        return (WHITE if number == 0 else None), {"/blackout": number > 120 and number % 7 < 4}

    light, _ = play(context, passes, cut, seconds=2)
    dark = [number - 72 for number in range(72, 192) if number > 120 and number % 7 < 4]
    assert light[dark].max() < 1e-4
