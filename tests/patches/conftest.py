"""What the tests of host patches stand on; its presence also lets them import `engine_to_play`."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from engine_to_play import Engine

from engine.core import resources
from engine.instrument.instrument import Instrument, find_patch
from engine.runtime.card import load_card


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine()) as engine:
        yield engine


@pytest.fixture
def free_port() -> int:
    """A UDP port that nobody held a moment ago."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="session")
def addresses() -> set[str]:
    """All that the engine can be asked for."""
    card = load_card(resources.find("models", "light"), verify=False)
    return set(Instrument(find_patch("first-light"), card.info("")).tree.leaves())
