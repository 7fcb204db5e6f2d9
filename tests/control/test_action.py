"""Actions: what a performer asks for once."""

import pytest

from engine.control.action import Action, ActionParam, action_leaves
from engine.control.tree import MOST_WAITING, ParamTree
from engine.core.params import Leaf, Param, ParamError
from engine.core.registry import lookup, names
from engine.core.types import Call


class Go(Action):
    """Go to a scene. More words."""

    address = "/scene/go"

    def do(self, show: object, name: str, seconds: float = 4.0, steps: int = 1, at_once: bool = False) -> None: ...


class Fire(Action):
    """Fire."""

    address = "/fire"

    def do(self, show: object) -> None: ...


class Lamp(Action):
    """The lamp."""

    address = "/lamp"
    state = False

    def do(self, show: object, on: bool) -> None: ...


@pytest.fixture
def tree() -> ParamTree:
    tree = ParamTree()
    tree.replace((), {action.address: Leaf(ActionParam(action)) for action in (Go, Fire, Lamp)})
    return tree


def called(tree: ParamTree) -> list[tuple[str, tuple[object, ...]]]:
    return [(call.address, call.arguments) for call in tree.apply(tree.take())[1]]


def test_every_call_counts_and_keeps_its_order(tree: ParamTree) -> None:
    tree.call("/scene/go", ("one",), 1.0)
    tree.call("/fire", (), 2.0)
    tree.call("/scene/go", ("two", 0.5, 3, True), 3.0)
    tree.call("/scene/go", ("one",), 4.0)
    posted = tree.take()
    assert posted == (
        Call("/scene/go", ("one",), 1.0),
        Call("/fire", (), 2.0),
        Call("/scene/go", ("two", 0.5, 3, True), 3.0),
        Call("/scene/go", ("one",), 4.0),
    )
    assert tree.apply(posted) == ((), posted)
    assert tree.take() == ()


@pytest.mark.parametrize(
    ("address", "arguments", "wrong"),
    [
        ("/scene/go", (), r"expected /scene/go NAME \[SECONDS\] \[STEPS\] \[AT_ONCE\]; got 0 arguments"),
        ("/scene/go", ("a", 1.0, 1, True, 2), "got 5 arguments"),
        ("/scene/go", (4.5,), "expected text for name; got 4.5"),
        ("/scene/go", (True,), "expected text for name; got True"),
        ("/scene/go", (float("inf"),), "expected text for name; got inf"),
        ("/scene/go", ("a", "soon"), "expected float for seconds; got 'soon'"),
        ("/scene/go", ("a", float("nan")), "expected float for seconds; got nan"),
        ("/scene/go", ("x" * 1025,), "at most 1024 characters"),
        ("/fire", ("now",), "expected /fire; got 1 arguments"),
        ("/lamp", (b"\1",), "expected bool for on"),
    ],
)
def test_arguments_are_checked_and_nothing_is_called(
    tree: ParamTree, address: str, arguments: tuple[object, ...], wrong: str
) -> None:
    with pytest.raises(ParamError, match=wrong):
        tree.call(address, arguments)
    assert tree.take() == ()


def test_a_flood_of_calls_is_refused_beyond_a_bound(tree: ParamTree) -> None:
    for _ in range(MOST_WAITING):
        tree.call("/fire")
    with pytest.raises(ParamError, match=f"at most {MOST_WAITING} calls"):
        tree.call("/fire")
    tree.call("/lamp", (False,))  # what is switched off is not lost
    assert len(called(tree)) == MOST_WAITING + 1


def test_faders_that_move_take_no_room_from_calls() -> None:
    tree = ParamTree()
    tree.attach("fader", {str(number): Leaf(Param(0.5, doc="A fader.")) for number in range(2 * MOST_WAITING)})
    tree.replace((), {Fire.address: Leaf(ActionParam(Fire))})
    for number in range(2 * MOST_WAITING):
        tree.post(f"/fader/{number}", 0.1)
    tree.call("/fire")
    changes, calls = tree.apply(tree.take())
    assert (len(changes), len(calls)) == (2 * MOST_WAITING, 1)


def test_a_button_calls_when_it_is_pressed_and_not_when_it_is_let_go(tree: ParamTree) -> None:
    for value in (1, 0, 0.7, 0.0, True, False):
        tree.post("/fire", value)
    assert called(tree) == [("/fire", ())] * 3
    tree.press("/lamp")
    assert called(tree) == [("/lamp", (True,))]
    tree.set_state("/lamp", True)
    tree.press("/lamp")
    assert called(tree) == [("/lamp", (False,))]


def test_a_bang_is_a_press_where_no_text_is_wanted(tree: ParamTree) -> None:
    tree.call("/fire", ("bang",))
    tree.call("/lamp", ["bang"])
    tree.call("/scene/go", ("bang",))
    assert called(tree) == [("/fire", ()), ("/lamp", (True,)), ("/scene/go", ("bang",))]
    tree.set_state("/lamp", True)
    tree.call("/lamp", ("bang",))
    assert called(tree) == [("/lamp", (False,))]


def test_a_whole_number_is_a_name_by_its_digits_and_a_lone_zero_a_button_let_go(tree: ParamTree) -> None:
    for arguments in ((3,), (0,), (12.0,), (0.0,), (False,), ("0",), (0, 2.0), (-3,)):
        tree.call("/scene/go", arguments)
    assert [arguments for _, arguments in called(tree)] == [("3",), ("12",), ("0",), ("0", 2.0), ("-3",)]


def test_an_action_has_a_state_that_is_told_and_no_base_that_is_set(tree: ParamTree) -> None:
    assert tree.leaf("/lamp").base is False
    for glide_s in (0.0, 1.0):
        with pytest.raises(ParamError, match="an action, which has no base"):
            tree.set_base("/lamp", True, glide_s)
    with pytest.raises(ParamError):
        tree.target("/lamp")
    with pytest.raises(ParamError):
        tree.post_normalised("/lamp", 1.0)
    tree.set_state("/lamp", True)
    assert tree.values()["/lamp"] is True
    assert tree.leaf("/lamp").param.doc == "The lamp."


def test_a_parameter_is_not_called(tree: ParamTree) -> None:
    from engine.instrument.show_params import Switches

    tree.attach("", Switches().leaves)
    with pytest.raises(ParamError, match="expected an action; got /freeze, a bool"):
        tree.call("/freeze", (True,))


def test_arguments_of_other_types_are_a_mistake_of_the_author() -> None:
    class Bad(Action):
        """Bad."""

        address = "/bad"

        def do(self, show: object, things: list[int]) -> None: ...

    with pytest.raises(TypeError, match=r"expected arguments of str, int, float or bool in .*Bad.do; got things"):
        ActionParam(Bad)


@pytest.mark.parametrize("name", names("action"))
def test_every_action_says_what_it_does_and_takes_what_it_says(name: str) -> None:
    action: type[Action] = lookup("action", name)
    param = ActionParam(action)
    assert param.doc.endswith(".")
    assert action.address.startswith("/")
    assert action_leaves()[action.address].param.kind == "action"
    samples = {"text": "name", "int": 1, "float": 0.5, "bool": True}
    given = [samples[kind.kind] for _, kind, _ in param.arguments]
    assert param.check_arguments(given) == tuple(given)
    with pytest.raises(ParamError, match=f"expected {action.address}"):
        param.check_arguments([*given, "one", "too", "many"])
    assert param.holds is (action.state is not None)
