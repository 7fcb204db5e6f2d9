"""A JACK server of the tests' own; its presence also lets them import `midi_board`."""

import os
import shutil
from collections.abc import Iterator
from itertools import count

import pytest
from jack_server import JackServer

_numbers = count()


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    """A running server, and an environment in which JACK's is the MIDI system."""
    if shutil.which("jackd") is None:
        pytest.skip("MIDI ports need jackd: apt-get install jackd2")
    rtmidi = pytest.importorskip("rtmidi", reason="MIDI ports need python-rtmidi: pip install python-rtmidi")
    if rtmidi.API_UNIX_JACK not in rtmidi.get_compiled_api():
        pytest.skip("this python-rtmidi is built without JACK")
    server = JackServer(f"clavilux-{os.getpid()}-{next(_numbers)}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", server.name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        patch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
        try:
            server.start()
        except RuntimeError as error:
            pytest.skip(str(error))
        yield server
        server.stop()
