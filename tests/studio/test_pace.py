"""A line every two seconds, with the time that is left."""

import pytest

from engine.studio import pace
from engine.studio.pace import Pace, in_words


def test_it_speaks_every_two_seconds_and_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now, said = [100.0], list[str]()
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    counted = Pace(100, "tensors", said.append)
    for _ in range(10):
        now[0] += 1.0
        counted.step()
    assert said == [f"{done} of 100 tensors, {in_words(100 - done)} left" for done in (2, 4, 6, 8, 10)]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (3590, "1 h 0 min"), (7800, "2 h 10 min")]
)
def test_times_are_told_as_people_tell_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
