import numpy as np
import pytest

from engine.bench.latency_analysis import delays, first_changes


def film(kicks: list[float], answer_s: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Thirty pictures a second that drift and flicker, and jump at the first picture `answer_s` after each kick."""
    times = np.arange(0.0, 20.0, 1 / 30)
    changes = 1.0 + 0.2 * np.random.default_rng(seed).random(times.size)
    for kick in kicks:
        first = int(np.argmax(times >= kick + answer_s))
        changes[first : first + 4] += (3.0, 2.0, 1.0, 0.5)
    return times, changes


@pytest.mark.parametrize("seed", range(3))
def test_latency_is_that_of_the_first_picture_that_moved(seed: int) -> None:
    kicks = list(np.random.default_rng(seed).uniform(0.9, 1.3, 12).cumsum())
    times, changes = film(kicks, 0.050, seed)
    answers = first_changes(times, changes, kicks)
    assert answers.missed == 0
    assert len(answers.latencies_ms) == 12
    assert all(50.0 <= latency < 50.0 + 1000 / 30 for latency in answers.latencies_ms)


def test_a_picture_that_never_answers_is_counted_and_not_guessed() -> None:
    times, changes = film([], 0.0, 4)
    answers = first_changes(times, np.minimum(changes, 1.1), [3.0, 5.0])
    assert answers == (answers.__class__)((), 2)


def test_kicks_outside_the_film_are_left_out() -> None:
    times, changes = film([], 0.0, 5)
    assert first_changes(times, changes, [0.05, 25.0]).missed == 0


def test_loopback_pairs_each_sound_with_the_next_heard() -> None:
    assert delays([1.0, 2.0, 3.0], [1.02, 2.03, 3.9]) == pytest.approx((20.0, 30.0))
