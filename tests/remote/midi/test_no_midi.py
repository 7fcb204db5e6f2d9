"""Where there is no MIDI, or not this one."""

import sys

import pytest
from midi_board import within
from midi_clients import SOON_S, listening


def told(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """The one thing that is said where MIDI cannot be had."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with listening() as heard:
        assert within(SOON_S, lambda: heard.said)
        heard.ports._thread.join(SOON_S)
        assert not heard.ports.names
    [message] = heard.said
    return message


def test_without_a_midi_system_the_show_plays_on(monkeypatch):
    message = told(
        monkeypatch, JACK_DEFAULT_SERVER="clavilux-none", JACK_NO_START_SERVER="1", MIDO_BACKEND="mido.backends.rtmidi/UNIX_JACK"
    )
    assert message.startswith("expected a MIDI system; got none: UNIX_JACK: ")
    assert message.endswith("kept playing without MIDI")


@pytest.mark.parametrize("backend", ["mido.backends.portmidi", "mido.backends.rtmidi/NO_SUCH"])
def test_a_backend_that_is_not_there_is_told(monkeypatch, backend):
    message = told(monkeypatch, MIDO_BACKEND=backend)
    assert message.startswith("expected MIDO_BACKEND to be mido.backends.rtmidi or one of mido.backends.rtmidi/")
    assert f"got {backend!r}" in message


@pytest.mark.parametrize("module", ["rtmidi", "mido"])
def test_without_its_libraries_the_show_plays_on(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)  # as import finds a package that is not installed
    message = told(monkeypatch)
    assert module in message
    assert "pip install mido python-rtmidi" in message
    assert message.endswith("kept playing without MIDI")


def test_midi_that_is_off_starts_nothing():
    with listening("off") as heard:
        assert not heard.ports._thread.is_alive()
    assert heard.said == []
