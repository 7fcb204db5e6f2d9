"""What the tests of OSC stand on; its presence also lets them import `playing`."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from playing import Show, until

from engine.remote.osc.feed import Feed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.udp_server import OscServer


@pytest.fixture
def show() -> Iterator[Show]:
    with closing(Show()) as show:
        until(lambda: getattr(show, "ticks", 0))
        yield show


@pytest.fixture
def said() -> list[str]:
    """The lines that were told."""
    return []


@pytest.fixture
def receiver(show: Show, said: list[str]) -> Receiver:
    return Receiver(show.tree, say=said.append)


@pytest.fixture
def server(receiver: Receiver) -> Iterator[OscServer]:
    with closing(OscServer(receiver, "127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def peer(server: OscServer) -> Iterator[socket.socket]:
    """Someone who sends to the server and hears its answers."""
    with ExitStack() as stack:
        peer = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        peer.bind(("127.0.0.1", 0))
        peer.connect(("127.0.0.1", server.port))
        peer.settimeout(10.0)
        yield peer


@pytest.fixture
def make():
    """Makes what is closed again after the test; a feed is started too."""
    made = []

    def build(kind, *given, **named):
        made.append(kind(*given, **named))
        if kind is Feed:
            made[-1].start()
        return made[-1]

    yield build
    for one in reversed(made):
        one.close()
