"""Messages to a receiver, and its answers: built and read by python-osc, no sockets."""

import time

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg

from engine.remote.osc.receiver import Receiver

HERE = ("127.0.0.1", 50000)


def message(address: str, *arguments: object, tags: str = "") -> bytes:
    """A packet; `tags` names the types where python-osc's choice is not wanted."""
    if not tags:
        return bytes(build_msg(address, list(arguments)).dgram)
    builder = OscMessageBuilder(address)
    for tag, argument in zip(tags, arguments, strict=True):
        builder.add_arg(argument, tag)
    return bytes(builder.build().dgram)


def tell(receiver: Receiver, address: str, *arguments: object, tags: str = "") -> list[tuple[str, list[object]]]:
    """Send one message; what is answered, decoded by python-osc."""
    answers = receiver.receive(message(address, *arguments, tags=tags), HERE, time.monotonic())
    return [(item.address, item.params) for item in map(OscMessage, answers)]
