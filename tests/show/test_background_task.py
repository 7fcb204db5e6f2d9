"""Slow things made beside the show."""

import threading
import time

import pytest

from engine.show.background_task import BackgroundTask

REACH_S = 20.0


def until(so) -> None:
    started = time.monotonic()
    while not so():
        assert time.monotonic() - started < REACH_S
        time.sleep(0.002)


def test_of_all_that_is_asked_while_one_is_made_only_the_newest_is_made_next() -> None:
    beside: BackgroundTask[int] = BackgroundTask("test", lambda error: None)
    gate, made = threading.Event(), []

    def make(number: int):
        def slowly() -> int:
            gate.wait(REACH_S)
            made.append(number)
            return number

        return slowly

    asked_s = time.monotonic()
    for number in range(100):
        beside.ask(make(number))
    assert time.monotonic() - asked_s < 5.0, "asking waited for making"
    assert beside.take() is None
    gate.set()
    until(lambda: len(made) == 2)
    until(lambda: beside.take() == made[-1] or None)
    assert made[-1] == 99
    assert beside.take() is None


@pytest.mark.parametrize("error", [OSError("no such device"), TypeError("no such device")])
def test_what_cannot_be_made_is_complained_of_and_the_next_is_made(error: Exception) -> None:
    complaints: list[Exception] = []
    beside: BackgroundTask[str] = BackgroundTask("test", complaints.append)

    def never() -> str:
        raise error

    beside.ask(never)
    until(lambda: complaints)
    assert str(complaints[0]) == "no such device"
    beside.ask(lambda: "device")
    found: list[str] = []
    until(lambda: found or found.extend(filter(None, [beside.take()])))
    assert found == ["device"]


def taken(beside: BackgroundTask[int]) -> int:
    found: list[int | None] = [None]
    until(lambda: found.append(beside.take()) or found[-1] is not None)
    return found[-1]


@pytest.mark.parametrize("times", [1, 20])
def test_it_works_again_after_it_has_rested(times: int) -> None:
    beside: BackgroundTask[int] = BackgroundTask("test", lambda error: None)
    for number in range(times):
        beside.ask(lambda number=number: number)
        assert taken(beside) == number
