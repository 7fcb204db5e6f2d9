from collections import deque

import pytest

from engine.control.action import action_leaves
from engine.control.tree import ParamTree
from engine.show.actions import run_calls


class Show:
    """What is asked for, and what is refused."""

    def __init__(self) -> None:
        self.taken, self.refused = list[int](), list[str]()

    def unassign_midi(self, macro: int) -> None:
        self.taken.append(macro)

    def refuse(self, message: str) -> None:
        self.refused.append(message)


@pytest.fixture
def tree() -> ParamTree:
    tree = ParamTree()
    tree.replace((), action_leaves())
    return tree


def asked(tree: ParamTree) -> Show:
    show = Show()
    run_calls(deque(tree.apply(tree.take())[1]), tree, show)  # type: ignore[arg-type]
    return show


def test_a_number_takes_one_macro_and_a_key_takes_all(tree):
    tree.call("/midi/unassign", (3,))
    tree.press("/midi/unassign")
    assert asked(tree).taken == [3, 0]


def test_a_button_that_sends_its_number_and_then_nothing_takes_that_one_alone(tree):
    for value in (2.0, 0.0):
        tree.call("/midi/unassign", (value,))
    show = asked(tree)
    assert show.taken == [2]
    assert not show.refused


@pytest.mark.parametrize("number", [9, -2])
def test_another_number_is_refused(tree, number):
    tree.call("/midi/unassign", (number,))
    show = asked(tree)
    assert not show.taken
    assert show.refused == [f"expected a macro of 1..8, or none for all; got {number}, for /midi/unassign; kept what plays"]
