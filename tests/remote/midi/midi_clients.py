"""Other clients of JACK that play into our ports, and what those hand on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from midi_board import within

from engine.remote.midi.ports import MidiPorts

rtmidi = pytest.importorskip("rtmidi", reason="MIDI ports need python-rtmidi: pip install python-rtmidi")
SOON_S = 20.0  # ten times and more what it takes, on a machine that does other things


class Keyboard:
    """A controller that is plugged in for as long as this lasts."""

    def __init__(self, client: str = "keys", port: str = "nano") -> None:
        self._midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, client)
        self._midi.open_virtual_port(port)

    def play(self, *packets: list[int]) -> None:
        for packet in packets:
            self._midi.send_message(packet)

    def unplug(self) -> None:
        self._midi.close_port()
        self._midi.delete()


class Heard:
    """What ports hand on."""

    def __init__(self, wanted: str = "auto") -> None:
        self.messages: list[tuple[str, object]] = []
        self.times: list[float] = []
        self.lost: list[str] = []
        self.released: list[str] = []
        self.said: list[str] = []
        self.ports = MidiPorts(self._take, self.lost.append, self.released.append, wanted, self.said.append)

    def _take(self, message: object, port: str, t: float) -> None:
        self.messages.append((port, message))
        self.times.append(t)


@contextmanager
def listening(wanted: str = "auto") -> Iterator[Heard]:
    heard = Heard(wanted)
    heard.ports.start()
    try:
        yield heard
    finally:
        heard.ports.close()


@contextmanager
def plugged(client: str = "keys", port: str = "nano") -> Iterator[Keyboard]:
    keyboard = Keyboard(client, port)
    try:
        yield keyboard
    finally:
        keyboard.unplug()


@contextmanager
def connected() -> Iterator[rtmidi.MidiOut]:
    """A program that plays into our own port."""
    host = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "host")
    try:
        assert within(SOON_S, lambda: any("Clavilux" in name for name in host.get_ports()))
        host.open_port(next(index for index, name in enumerate(host.get_ports()) if "Clavilux" in name))
        yield host
    finally:
        host.close_port()
        host.delete()
