"""Macros that controllers were given, in a whole show: given back over OSC and by the operator's key."""

import re
import socket
from contextlib import ExitStack

from mido import Message
from performing import performing, until
from pythonosc.udp_client import SimpleUDPClient

from engine.show.key_handler import KeyHandler
from engine.show.options import PlayOptions
from engine.show.perform import open_sound
from engine.show.remotes import Remotes
from engine.windows.keys import Keyboard


def sweep(remotes: Remotes, number: int, t: float) -> None:
    """A hand turns a knob."""
    for step in range(0, 100, 6):
        message = Message("control_change", control=number, value=step)
        remotes.midi.take(message, "nano", t + step / 100.0)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_macros_are_given_back_one_over_osc_and_all_by_the_operators_key(stack: ExitStack) -> None:
    live, _ = performing(stack, open_sound("none", False, True, 0))
    port = free_port()
    options = PlayOptions(osc_bind=f"127.0.0.1:{port}", midi="off")
    remotes = live.remotes = Remotes(options, live.instrument, live.say, dict)
    stack.callback(remotes.close)
    until(live, lambda: live.frames > 3)
    for place, number in enumerate((70, 71, 72)):
        sweep(remotes, number, 10.0 * place)
    assert [entry[2:] for entry in remotes.midi.bindings.state()] == [[70, 1], [71, 2], [72, 3]]

    SimpleUDPClient("127.0.0.1", port).send_message("/midi/unassign", 2)
    until(live, lambda: len(remotes.midi.bindings.state()) < 3)
    assert [entry[2:] for entry in remotes.midi.bindings.state()] == [[70, 1], [72, 3]]

    keyboard = Keyboard()
    keyboard.press("u", 1.0)
    keys = KeyHandler(live.instrument.tree, lambda: None, lambda: None, live.refuse)
    for command in keyboard.take():
        keys.handle(command)
    until(live, lambda: not remotes.midi.bindings.state())
    told = [message for message in live.messages if "gave their macros back" in message]
    assert [count for message in told for count in re.findall(r"MIDI: (\d+)", message)] == ["1", "2"]
