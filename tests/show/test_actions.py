"""Calls of actions in a show: in order, without holding a frame up, and what fails ends nothing."""

import time
from collections import deque

import pytest

from engine.control.action import Action, ActionParam
from engine.control.tree import MOST_WAITING, ParamTree
from engine.core.params import Leaf
from engine.core.types import Call
from engine.show.actions import ENOUGH_S, RefusalCount, run_calls
from engine.show.key_handler import KeyHandler
from engine.windows.keys import KeyCommand


class Show:
    """What the actions here ask for, and what was refused."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.refused: list[str] = []

    def refuse(self, message: str) -> None:
        self.refused.append(message)


class Slow(Action):
    """Take a while."""

    address = "/slow"

    def do(self, show: Show, number: int) -> None:
        time.sleep(ENOUGH_S)
        show.done.append(number)


class Lamp(Action):
    """Throw a switch."""

    address = "/lamp"
    state = False

    def do(self, show: Show, on: bool) -> None:
        show.done.append(on)


class Wrong(Action):
    """Fail by a fault of its own."""

    address = "/wrong"

    def do(self, show: Show) -> None:
        raise TypeError("boom")


@pytest.fixture
def tree() -> ParamTree:
    tree = ParamTree()
    tree.replace((), {action.address: Leaf(ActionParam(action)) for action in (Slow, Lamp, Wrong)})
    return tree


def run(waiting: deque[Call], tree: ParamTree, show: Show) -> None:
    run_calls(waiting, tree, show)  # type: ignore[arg-type]


def test_a_frame_does_what_it_has_time_for_and_the_next_ones_the_rest(tree: ParamTree) -> None:
    show, waiting = Show(), deque(Call("/slow", (number,), 0.0) for number in range(3))
    for left in (2, 1, 0):
        run(waiting, tree, show)
        assert len(waiting) == left
    assert show.done == [0, 1, 2]
    assert not show.refused


def test_several_refusals_in_a_second_are_all_told_with_counts() -> None:
    said: list[str] = []
    refusals = RefusalCount(said.append)
    for message in ("one", "two", "three", "two", "four", "five", "six", "seven"):
        refusals.refuse(message)
    assert said == ["one"]
    end_s = time.monotonic() + 10.0
    while len(said) < 6 and time.monotonic() < end_s:
        time.sleep(0.01)
    assert said == ["one", "two (2 times)", "three", "four", "five", "2 more of other kinds refused"]
    assert refusals.count == 8
    refusals.refuse("eight")  # within the second of that list
    assert len(said) == 6
    while len(said) < 7 and time.monotonic() < end_s:
        time.sleep(0.01)
    assert said[6:] == ["eight"]


def test_a_few_calls_of_one_frame_are_all_done_in_order(tree: ParamTree) -> None:
    show, waiting = Show(), deque(Call("/lamp", (on,), 0.0) for on in (True, False, True))
    run(waiting, tree, show)
    assert show.done == [True, False, True]


def test_in_a_flood_only_the_last_of_what_sets_a_state_is_done(tree: ParamTree) -> None:
    show, waiting = Show(), deque(Call("/lamp", (bool(number % 2),), 0.0) for number in range(200))
    run(waiting, tree, show)
    assert not waiting
    assert show.done == [True]
    assert "got 200 in one frame" in show.refused[0]


def test_an_actions_own_fault_is_told_and_the_next_is_done(tree: ParamTree) -> None:
    show, waiting = Show(), deque([Call("/wrong", (), 0.0), Call("/lamp", (True,), 0.0)])
    run(waiting, tree, show)
    assert show.done == [True]
    assert "TypeError: boom" in show.refused[0]


def test_a_key_that_asks_in_vain_is_told_and_ends_nothing(tree: ParamTree) -> None:
    refused: list[str] = []
    keys = KeyHandler(tree, lambda: None, lambda: None, refused.append)
    for _ in range(MOST_WAITING):
        tree.call("/wrong")
    keys.handle(KeyCommand("/wrong"))
    keys.handle(KeyCommand("/nowhere"))
    assert f"at most {MOST_WAITING} calls" in refused[0]
    assert "/nowhere" in refused[1]
