"""Hands on the show from elsewhere: opens OSC and MIDI as the options ask, and wires both to the tree.

Receivers and ports have threads of their own and only post to the tree; `follow` runs in the analysis thread.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from engine import resources
from engine.instrument import Instrument
from engine.options import DEFAULT_OSC, PlayOptions
from engine.remote.midi.desk import MidiDesk
from engine.remote.osc.allowing import AllowList
from engine.remote.osc.answers import telling
from engine.remote.osc.feed import Colour, Feed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.server import OscServer
from engine.remote.osc.stream import OscStream
from engine.remote.osc.subscriptions import Subscriptions, target
from engine.types import Tick

log = logging.getLogger("clavilux.hands")
Figures = Callable[[], Mapping[str, float | str]]


class Hands:
    """OSC and MIDI of one show, from `open` to `close`.

    `colours` are what followers are told of the picture; whoever draws sets them while `feed.wants("colours")`. `figures`
    are told as the status. Raises ValueError and OSError for options that cannot be had; a default port that is taken, or
    missing MIDI, is said to the performer, and the show goes on.
    """

    def __init__(self, options: PlayOptions, instrument: Instrument, say: Callable[[str], None], figures: Figures) -> None:
        self.colours: Sequence[Colour] = ()
        self._instrument, self._say, self._figures = instrument, say, figures
        self._stack = ExitStack()
        self.allowed, self._let_in = AllowList(options.osc_allow), set[str]()
        self.receiver = Receiver(instrument.tree, self.allowed, honour=options.osc_timetags == "honour", say=say)
        self.server: OscServer | None = None
        self._stream: OscStream | None = None
        self._asking = ""  # the stranger that the performer was shown
        self._counted = {"osc": 0, "midi": 0}
        self._heard_s = {"osc": -math.inf, "midi": -math.inf}
        shelf = [path.stem for path in resources.listing("patches", "*.toml")]
        self.midi = MidiDesk(instrument.tree, shelf, options.midi, say)
        sync = instrument.meter.sync
        self.feed = Feed(
            Subscriptions(target(text) for text in options.osc_out),
            send=self._send,
            colours=lambda: self.colours,
            status=self.status,
            offset_ms=lambda: float(sync.osc_ms),
        )
        handlers = {"/status": telling(self.status), "/subscribe": self.feed.subscribe, "/unsubscribe": self.feed.unsubscribe}
        self.receiver.handlers.update(handlers)
        instrument.meter.clock = self.midi.clock
        instrument.played = self.midi.notes.into
        try:
            self._open(options)
        except BaseException:
            self.close()
            raise

    def let_in(self) -> None:
        """Take what the stranger that was shown sends from now on."""
        if self._asking:
            self._admit(self._asking)
            self._say(f"OSC from {self._asking} is let in")
            self._asking = ""

    def follow(self, tick: Tick) -> None:
        """For the analysis thread, once a tick."""
        self.midi.follow(tick, self._instrument.performer.patch.midi)
        self.feed.follow(tick)

    def status(self) -> dict[str, float | str]:
        """All figures of the show, by name."""
        midi = {f"midi_{name}": float(count) for name, count in self.midi.counts.items()}
        osc = {"osc_unsent": 0.0, "osc_lost": 0.0}
        if self.server is not None:
            osc = {"osc_unsent": float(self.server.unsent), "osc_lost": float(self.server.dropped)}
        return {**self._figures(), **self.receiver.figures(), **osc, **self.feed.counts(), **midi}

    def shown(self) -> dict[str, object]:
        """What the operator's page says of hands, by the fields of `OperatorState`."""
        now = time.monotonic()
        counts = {"osc": self.receiver.packets, "midi": self.midi.counts["received"]}
        for name, count in counts.items():
            if count != self._counted[name]:
                self._counted[name], self._heard_s[name] = count, now
        ports, stranger = self.midi.names, self.allowed.stranger
        self._asking = "" if stranger is None else stranger.host
        return {
            "osc": "off" if self.server is None else f"port {self.server.port}",
            "osc_heard_s": self._heard_s["osc"],
            "midi": "off" if not ports else ports[0] if len(ports) == 1 else f"{len(ports)} ports",
            "midi_heard_s": self._heard_s["midi"],
            "stranger": self._asking,
        }

    def parts(self) -> dict[str, Callable[[], object]]:
        """What the journal keeps of hands, beside the tree."""
        return {"midi": self.midi.bindings.state, "allowed": lambda: sorted(self._let_in)}

    def restore(self, parts: Mapping[str, object]) -> None:
        """Take back what `parts` told; what cannot be taken is said."""
        for message in self.midi.bindings.restore(parts.get("midi", [])):
            self._say(message)
        hosts = parts.get("allowed", [])
        for host in hosts if isinstance(hosts, list) else []:
            self._admit(str(host))

    def _admit(self, host: str) -> None:
        self._let_in.add(host)
        self.allowed.allow(host)

    def close(self) -> None:
        """Close sockets and ports."""
        self._stack.close()

    def _open(self, options: PlayOptions) -> None:
        if options.osc_bind != "off":
            host, port = target(options.osc_bind)[:2]
            try:
                self.server = OscServer(self.receiver, host, port)
                self._stack.callback(self.server.close)
            except OSError as error:
                if options.osc_bind != DEFAULT_OSC:
                    raise
                self._say(f"{error}; kept playing without OSC")
        if options.osc_tcp:
            self._stream = OscStream(self.receiver, *target(options.osc_tcp)[:2])
            self._stack.callback(self._stream.close)
        self.feed.start()
        self._stack.callback(self.feed.close)
        self.midi.start()
        self._stack.callback(self.midi.close)

    def _send(self, packet: bytes, destination: tuple[Any, ...]) -> bool:
        """To a subscriber, the way it came; False if the system does not take it."""
        if self._stream is not None and self._stream.send(packet, destination[:2]):
            return True
        return self.server is not None and self.server.send(packet, destination)
