"""MIDI inputs: opened by name, looked for four times a second, and one of our own that other programs can play into.

One thread of ours polls all ports. RtMidi's callbacks would be sooner by a millisecond, but they wait for the interpreter on
the driver's own thread, under JACK its real-time thread, and python-rtmidi holds the interpreter while it waits for that thread
to end: a port closed while a message arrives can stop the whole process. RtMidi is used on our thread alone, which on macOS also
keeps its list of ports current.
"""

import logging
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.remote.midi.byte_parser import ByteParser
from engine.remote.midi.loop_filter import LoopFilter
from engine.remote.midi.port_names import ALSA, WINDOWS, plain_name, refusal, unused_name

log = logging.getLogger("clavilux.midi")
POLL_S = 0.002
LOOK_S = 0.25  # a port that is gone is noticed within this
RETRY_S = 2.0  # between tries to open what refused to open
PING, DEAD_LOOKS = b"\xfd", 12  # a status that means nothing to anyone; looks without an answer
AT_ONCE = 256  # messages of one port between two looks at the others
QUEUE = 4096  # messages that RtMidi keeps for a port while we are held up
CLIENT = "Clavilux"
BACKEND = "mido.backends.rtmidi"
ALSA_SEQUENCER = Path("/dev/snd/seq")
JACK, DUMMY = "UNIX_JACK", "RTMIDI_DUMMY"


class Port:
    """One open input: RtMidi's object and what its bytes mean."""

    def __init__(self, name: str, midi: Any) -> None:
        self.name, self.midi, self.wire = name, midi, ByteParser()
        self._get = midi.get_message

    def packets(self) -> Sequence[tuple[bytes, float]]:
        """What has come, with time.monotonic() of now; not so much at once that other ports would wait."""
        event = self._get()
        if event is None:
            return ()
        found = [(bytes(event[0]), time.monotonic())]
        while len(found) < AT_ONCE and (event := self._get()) is not None:
            found.append((bytes(event[0]), time.monotonic()))
        return found

    def close(self) -> None:
        """Close it for good."""
        self.midi.close_port()
        self.midi.delete()


class MidiPorts:
    """Opens every input whose name contains `wanted` (`auto`: every one; `off`: none) as they come and go, until `close`.

    `handle(message, port, t)` gets each `mido.Message`, `t` being time.monotonic() within 2 ms of its arrival; `lose(port)` is
    called when a port is gone, `release(port)` when what is held on it may have lost its hand; all on the thread of the ports.
    Ports are known by the names that stay when numbers shift.
    Where there is no MIDI `say` is told why, once. MIDO_BACKEND chooses the system: mido.backends.rtmidi/UNIX_JACK.
    """

    def __init__(
        self,
        handle: Callable[[Any, str, float], None],
        lose: Callable[[str], None],
        release: Callable[[str], None],
        wanted: str,
        say: Callable[[str], None],
    ) -> None:
        self._handle, self._lose, self._release, self._wanted, self._say = handle, lose, release, wanted, say
        self._ports: dict[str, Port] = {}  # the system's name -> port
        self._own: Port | None = None  # ours, that others play into; it also tells which ports there are
        self._probe: Any = None  # under JACK, which lists the ports of a dead server as if it lived: plays into our own
        self._unanswered = 0  # times that it was not heard
        self._api = 0
        self._found: set[str] = set()  # the system's names of all inputs, when we last looked
        self._refused: dict[str, float] = {}  # the system's name -> when it refused to open
        self._closed = Counter(received=0, noise=0, sysex=0, lost=0, faults=0)  # counts of closed ports, and of all
        self._echo = LoopFilter()
        self._complained_s = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    def start(self) -> None:
        """Begin to look for ports and to listen to them."""
        if self._wanted != "off":
            self._thread.start()

    def close(self) -> None:
        """Close all ports and stop looking."""
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join(5.0)

    @property
    def names(self) -> tuple[str, ...]:
        """The ports that are open, in order of their names, without our own."""
        return tuple(sorted(port.name for port in self._ports.copy().values()))

    @property
    def counts(self) -> dict[str, int]:
        """Messages received, bytes of noise, sysex unread, ports lost, faults of the handler: since the start."""
        total = Counter(self._closed)
        own = self._own
        for port in (*self._ports.copy().values(), *((own,) if own else ())):
            total.update(received=port.wire.received, noise=port.wire.noise, sysex=port.wire.sysex)
        return dict(total)

    def _run(self) -> None:
        try:
            import rtmidi

            ByteParser()  # needs mido
        except ImportError as error:
            self._say(
                f"expected mido and python-rtmidi for MIDI ({error}): pip install mido python-rtmidi, which needs a C++ compiler "
                "from Python 3.13 on; kept playing without MIDI"
            )
            return
        try:
            self._begin(rtmidi)
        except (OSError, ValueError) as error:  # RtMidi's own errors are OSErrors
            self._say(f"{error}; kept playing without MIDI")
            return
        looked = -math.inf
        try:
            while not self._stopping:
                time.sleep(POLL_S)
                self._poll()
                if time.monotonic() - looked >= (LOOK_S if self._own else RETRY_S):
                    first, looked = looked < 0.0, time.monotonic()
                    self._look(rtmidi, first)
        finally:
            self._close_all()

    # --- messages ------------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        own, echo = self._own, self._echo
        for port in self._ports.values():
            for packet, t in port.packets():
                echo.other(packet, t)
                self._hand_on(port, packet, t)
        if own is not None:
            for packet, t in own.packets():
                if packet == PING and self._probe is not None:
                    self._unanswered = 0
                else:
                    echo.own(packet, t)
            for packet, t in echo.ready(time.monotonic()):
                self._hand_on(own, packet, t)

    def _hand_on(self, port: Port, packet: bytes, t: float) -> None:
        for message in port.wire.feed(packet):
            try:
                self._handle(message, port.name, t)
            except Exception:  # no message may end MIDI for the rest of the show; told at most once a second
                self._closed["faults"] += 1
                if t - self._complained_s > 1.0:
                    self._complained_s = t
                    log.exception("expected to act on %s; it is dropped (%d so far)", message, self._closed["faults"])

    # --- ports that come and go ----------------------------------------------------------------------------------------

    def _begin(self, rtmidi: ModuleType) -> None:
        """Connect to the system's MIDI. Raises OSError or ValueError where there is none."""
        choices = {name.removeprefix("API_"): getattr(rtmidi, name) for name in dir(rtmidi) if name.startswith("API_")}
        compiled = {name: api for name, api in choices.items() if api in rtmidi.get_compiled_api() and name != DUMMY}
        backend, _, named = os.environ.get("MIDO_BACKEND", BACKEND).partition("/")
        if backend != BACKEND or (named and named not in compiled):
            known = ", ".join(f"{BACKEND}/{name}" for name in compiled)
            raise ValueError(f"expected MIDO_BACKEND to be {BACKEND} or one of {known}; got {os.environ['MIDO_BACKEND']!r}")
        reasons = []
        for name in [named] if named else compiled:
            if name == ALSA and not ALSA_SEQUENCER.exists():
                reasons.append(f"{ALSA_SEQUENCER} is missing (load it: sudo modprobe snd-seq)")
                continue
            try:
                self._api = compiled[name]
                self._connect(rtmidi, name)
                return
            except rtmidi.RtMidiError as error:
                reasons.append(f"{name}: {error}")
        raise OSError(f"expected a MIDI system; got none: {'; '.join(reasons)}")

    def _connect(self, rtmidi: ModuleType, system: str) -> None:
        midi = rtmidi.MidiIn(self._api, CLIENT, QUEUE)
        midi.ignore_types(sysex=True, timing=False, active_sense=True)
        probe = rtmidi.MidiOut(self._api, CLIENT) if system == JACK else None
        others = set(probe.get_ports()) if probe else set()
        if system != WINDOWS:  # it has no virtual ports
            midi.open_virtual_port(CLIENT)
        if probe is not None:
            ours = [place for place, name in enumerate(probe.get_ports()) if name not in others and CLIENT in name]
            if not ours:
                raise OSError(f"expected our own port among those of {system}; got none")
            probe.open_port(ours[0], "alive")
        self._system, self._own, self._probe, self._unanswered = system, Port(CLIENT, midi), probe, 0

    def _look(self, rtmidi: ModuleType, first: bool = False) -> None:
        """Open what has come, close what has gone."""
        try:
            if self._own is None:
                self._connect(rtmidi, self._system)
                self._say(f"MIDI: {self._system} is back")
            self._ping()
            found = self._names()
        except OSError as error:
            if self._own is not None:
                self._say(f"MIDI: {self._system} has stopped ({error}); kept playing, and looking for it")
                self._close_all()
            return
        for gone in [name for name in self._ports if name not in found]:
            self._drop(gone)
        if self._own is not None and not self._found.issubset(found):
            self._release(self._own.name)  # whoever is gone may have played into our own port, and nobody says who did
        self._found = set(found)
        self._refused = {name: t for name, t in self._refused.items() if name in found}
        for name in found:
            if name not in self._ports and (self._wanted == "auto" or self._wanted.casefold() in name.casefold()):
                self._open(rtmidi, name)
        if first and not self._ports and self._wanted != "auto":
            there = ", ".join(plain_name(name, self._system) for name in found) or "none"
            self._say(f"expected a MIDI input with {self._wanted!r} in its name; got {there}; it is opened when it comes")

    def _ping(self) -> None:
        """Raises OSError if what we play into our own port does not arrive any more."""
        if self._probe is not None:
            if self._unanswered >= DEAD_LOOKS:
                raise OSError(f"no answer within {DEAD_LOOKS * LOOK_S:g} s")
            self._unanswered += 1
            self._probe.send_message(list(PING))

    def _names(self) -> list[str]:
        """The system's names of all inputs but our own probe's."""
        names: list[str] = [] if self._own is None else self._own.midi.get_ports()
        return [name for name in names if self._probe is None or not name.startswith(CLIENT)]

    def _open(self, rtmidi: ModuleType, name: str) -> None:
        now = time.monotonic()
        if now - self._refused.get(name, -RETRY_S) < RETRY_S:
            return
        shown = unused_name(plain_name(name, self._system), {port.name for port in self._ports.values()})
        midi = None
        try:
            midi = rtmidi.MidiIn(self._api, CLIENT, QUEUE)
            midi.ignore_types(sysex=True, timing=False, active_sense=True)
            names = midi.get_ports()
            if name not in names:  # gone since we looked
                midi.delete()
                return
            midi.open_port(names.index(name), f"from {shown}")
        except OSError as error:
            if midi is not None:
                midi.delete()
            if name not in self._refused:
                self._say(refusal(shown, self._system, error))
            self._refused[name] = now
            return
        self._refused.pop(name, None)
        self._ports[name] = Port(shown, midi)
        self._say(f"MIDI: {shown}")

    def _drop(self, name: str) -> None:
        port = self._ports.pop(name)
        self._count(port)
        self._closed["lost"] += 1
        self._lose(port.name)
        port.close()
        self._say(f"MIDI: {port.name} is gone, what it held is released; it is opened again when it is back")

    def _close_all(self) -> None:
        own, self._own = self._own, None
        ports, self._ports = self._ports, {}
        for port in (*ports.values(), *((own,) if own else ())):
            self._lose(port.name)
            self._count(port)
            port.close()
        if self._probe is not None:
            self._probe.delete()
            self._probe = None

    def _count(self, port: Port) -> None:
        self._closed.update(received=port.wire.received, noise=port.wire.noise, sysex=port.wire.sysex)
