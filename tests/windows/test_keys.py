import re

import pytest
from song import INFO

from engine.instrument.instrument import Instrument, find_patch
from engine.windows.keys import KEYS, MASTER_STEP, QUIT_WITHIN_S, Keyboard, KeyCommand


def test_every_key_of_the_table_asks_for_its_action() -> None:
    for key in KEYS:
        for name in key.names:
            keyboard = Keyboard()
            keyboard.press(name, 10.0)
            keyboard.press(name, 10.1)
            taken = keyboard.take()
            if key.command.name == "help":
                assert not taken
            else:
                assert taken == (key.command,) * (1 if key.command.name == "quit" else 2)


def test_no_key_means_two_things_and_every_one_has_a_row_of_help() -> None:
    names = [name for key in KEYS for name in key.names]
    assert len(names) == len(set(names))
    shown = " ".join(key.label.lower() for key in KEYS)
    for name in names:
        assert re.search(r"1-9" if name.isdigit() else re.escape(name[:3]), shown)


def test_a_held_key_repeats_only_where_that_is_wanted() -> None:
    keyboard = Keyboard()
    keyboard.press("up", 0.0)
    keyboard.press("up", 0.1, held=True)
    keyboard.press("b", 0.2)
    keyboard.press("b", 0.3, held=True)
    up = KeyCommand("/master/level", MASTER_STEP, step=True)
    assert keyboard.take() == (up, up, KeyCommand("/blackout"))
    assert keyboard.take() == ()


def test_an_action_says_when_its_key_was_pressed_however_late_it_is_taken() -> None:
    keyboard = Keyboard()
    for now_s in (10.0, 10.004, 10.5):
        keyboard.press("t", now_s)
    assert [action.t for action in keyboard.take()] == [10.0, 10.004, 10.5]
    assert all(key.command.t is None for key in KEYS)


def test_keys_that_ask_for_a_parameter_name_one_that_there_is_and_a_value_that_it_takes() -> None:
    tree = Instrument(find_patch("first-light"), INFO).tree
    asked = [key.command for key in KEYS if key.command.name.startswith("/")]
    assert {action.name for action in asked} >= {
        f"/tempo/{name}" for name in ("tap", "resync", "half", "double", "nudge", "release")
    }
    for action in asked:  # what a press posts is checked
        leaf = tree.leaf(action.name)
        if action.step:
            assert leaf.param.kind == "float"
        elif action.value is None:
            tree.press(action.name)
        else:
            assert leaf.param.check(action.value) == action.value


def test_what_goes_both_ways_goes_by_the_same_step() -> None:
    for name in ("/tempo/nudge", "/sync/offset_ms", "/master/level"):
        steps = sorted(key.command.value or 0.0 for key in KEYS if key.command.name == name)
        assert steps[0] == -steps[1] < 0.0


@pytest.mark.parametrize(("pause_s", "quits"), [(QUIT_WITHIN_S * 0.9, True), (QUIT_WITHIN_S * 1.1, False)])
def test_one_slip_on_escape_ends_no_show(pause_s: float, quits: bool) -> None:
    keyboard = Keyboard()
    keyboard.press("escape", 5.0)
    assert keyboard.quit_asked(5.0)
    assert keyboard.take() == ()
    keyboard.press("q", 5.0 + pause_s)
    assert keyboard.take() == ((KeyCommand("quit"),) if quits else ())


def test_a_held_escape_does_not_count_as_two() -> None:
    keyboard = Keyboard()
    keyboard.press("escape", 0.0)
    for n in range(30):
        keyboard.press("escape", 0.5 + n / 30, held=True)
    assert keyboard.take() == ()


def test_unknown_keys_do_nothing() -> None:
    keyboard = Keyboard()
    for name in ("", "0", "x", "é"):
        keyboard.press(name, 0.0)
    assert keyboard.take() == ()
