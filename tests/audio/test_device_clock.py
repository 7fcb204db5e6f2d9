"""When a block of sound is heard, by a device whose clock is the time of day."""

import numpy as np

from engine.audio.device_clock import DeviceClock

DAY_S, BLOCK_S, LATENCY_S = 1.8e9, 256 / 48000, 0.02


def off_s(seconds: float, late: float = 0.0, step_s: float = 0.0, step_at_s: float = 0.0) -> np.ndarray:
    """By how much each block is placed wrong, where callbacks come up to `late` late and the time of day is set by `step_s`."""
    clock, rng = DeviceClock(), np.random.default_rng(1)
    found = []
    for n in range(round(seconds / BLOCK_S)):
        asked_s = n * BLOCK_S
        called_s = asked_s + DAY_S + (step_s if asked_s >= step_at_s else 0.0)
        found.append(clock.heard_at(asked_s + late * rng.random(), called_s, called_s + LATENCY_S) - (asked_s + LATENCY_S))
    return np.array(found)


def test_callbacks_that_come_late_move_nothing() -> None:
    assert np.abs(off_s(5.0)).max() < 1e-6
    settled = off_s(20.0, late=0.01)[round(0.5 / BLOCK_S) :]
    assert np.abs(settled).max() < 0.0005


def test_a_time_of_day_that_is_set_back_or_forward_is_followed_within_two_seconds() -> None:
    for step_s in (-3600.0, -0.3, 0.3, 3600.0):
        off = np.abs(off_s(10.0, 0.002, step_s, 4.0))
        assert off[round(6.0 / BLOCK_S) + 1 :].max() < 0.001, step_s


def test_without_times_of_the_hosts_own_sound_is_heard_when_it_is_asked_for() -> None:
    clock = DeviceClock()
    assert clock.heard_at(7.0, 0.0, 0.0) == 7.0
    assert clock.heard_at(7.0, DAY_S, 0.0) == 7.0
    assert clock.heard_at(7.0, DAY_S, DAY_S + 5.0) == 7.0
