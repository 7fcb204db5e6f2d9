"""Hands on the show from elsewhere: opens OSC and MIDI as the options ask, and wires both to the tree.

Receivers and ports have threads of their own and only post to the tree; `follow` runs in the analysis thread.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import NamedTuple, TypeVar

from engine.control.pair_table import PairSpec, pair_addresses
from engine.core import resources
from engine.core.types import Tick
from engine.instrument.instrument import Instrument
from engine.remote.midi.input_router import MidiInputRouter
from engine.remote.osc.allowlist import AllowList
from engine.remote.osc.feed import Colour, Feed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.replies import naming, telling
from engine.remote.osc.subscriptions import Address, Subscriptions, target
from engine.remote.osc.tcp_server import OscStream
from engine.remote.osc.udp_server import OscServer
from engine.show.options import DEFAULT_OSC, PlayOptions

log = logging.getLogger("clavilux.hands")
READ_S, SILENT_S = 2.0, 5.0  # a stranger is shown at least so long, and until it has been silent so long
RETRY_S = 2.0
MIDI_MACROS = "midi"  # among the parts: which controllers were given a macro
T = TypeVar("T")
NAMES = {
    "patches": resources.patch_names,
    "models": resources.model_names,
    "shows": resources.show_names,
    "shaders": resources.shader_names,
}
Figures = Callable[[], Mapping[str, float | str]]


class Lamps(NamedTuple):
    """What the operator sees of remotes: where they are listened for, when something came last, who asks to be let in."""

    osc: str
    osc_heard_s: float  # time.monotonic() of the newest message
    midi: str
    midi_heard_s: float
    stranger: str  # a machine that sends without being let in


NO_REMOTES = Lamps("off", -math.inf, "off", -math.inf, "")


class Remotes:
    """OSC and MIDI of one show, from `open` to `close`.

    `colours` are what followers are told of the picture; whoever draws sets them while `feed.wants("colours")`. `figures`
    are told as the status. Raises ValueError and OSError for options that cannot be had; a default port that is taken, or
    missing MIDI, is said to the performer, and the show goes on. One that came back after a crash goes on without whatever
    cannot be had, and tries again for its port.
    """

    def __init__(self, options: PlayOptions, instrument: Instrument, say: Callable[[str], None], figures: Figures) -> None:
        self.colours: Sequence[Colour] = ()
        self._instrument, self._say, self._figures = instrument, say, figures
        self._stack = ExitStack()
        self._again, self._lenient, self._closing = options.again, options.lenient, threading.Event()
        self.allowed, self._let_in = AllowList(), set[str]()
        for host in options.osc_allow:
            self._had(partial(self.allowed.find, host))
        self.receiver = Receiver(instrument.tree, self.allowed, honour=options.osc_timetags == "honour", say=say)
        self.server: OscServer | None = None
        self._stream: OscStream | None = None
        self._asking, self._asked_s = "", -math.inf  # the stranger that the performer is shown, and since when
        self._pairs: tuple[PairSpec, ...] = ()  # of the patch whose XY pads are in force
        self._counted = {"osc": 0, "midi": 0}
        self._heard_s = {"osc": -math.inf, "midi": -math.inf}
        shelf = [path.stem for path in resources.listing("patches", "*.toml")]
        self.midi = MidiInputRouter(instrument.tree, shelf, options.midi, say)
        sync = instrument.transport.sync
        self.feed = Feed(
            Subscriptions(filter(None, (self._had(partial(target, text)) for text in options.osc_out))),
            send=self._send,
            colours=lambda: self.colours,
            status=self.status,
            offset_ms=lambda: float(sync.osc_ms),
        )
        handlers = {"/status": telling(self.status), "/subscribe": self.feed.subscribe, "/unsubscribe": self.feed.unsubscribe}
        self.receiver.handlers.update(handlers)
        for kind, known in NAMES.items():
            self.receiver.handlers[f"/list/{kind}"] = naming(f"/list/{kind}", known)
        instrument.clock = self.midi.clock
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
        patch = self._instrument.player.patch
        self.midi.follow(tick, patch.midi)
        if patch.pairs is not self._pairs:
            self._pairs, self.receiver.pairs = patch.pairs, pair_addresses(patch.pairs)
        self.feed.follow(tick)

    def status(self) -> dict[str, float | str]:
        """All figures of the show, by name."""
        midi = {f"midi_{name}": float(count) for name, count in self.midi.counts.items()}
        osc = {"osc_unsent": 0.0, "osc_lost": 0.0}
        if self.server is not None:
            osc = {"osc_unsent": float(self.server.unsent), "osc_lost": float(self.server.dropped)}
        return {**self._figures(), **self.receiver.figures(), **osc, **self.feed.counts(), **midi}

    def lamps(self) -> Lamps:
        """What the operator's page says of remotes. For one thread."""
        now = time.monotonic()
        counts = {"osc": self.receiver.packets, "midi": self.midi.counts["received"]}
        for name, count in counts.items():
            if count != self._counted[name]:
                self._counted[name], self._heard_s[name] = count, now
        self._notice(now)
        ports = self.midi.names
        return Lamps(
            osc="off" if self.server is None else f"port {self.server.port}",
            osc_heard_s=self._heard_s["osc"],
            midi="off" if not ports else ports[0] if len(ports) == 1 else f"{len(ports)} ports",
            midi_heard_s=self._heard_s["midi"],
            stranger=self._asking,
        )

    def _notice(self, now: float) -> None:
        """Show one stranger at a time, long enough to be read, for as long as it goes on asking: the key means that one."""
        strangers = {stranger.host: stranger for stranger in self.allowed.strangers}
        shown = strangers.get(self._asking)
        if shown is not None and (now - self._asked_s < READ_S or now - shown.last_s < SILENT_S):
            return
        asking = [stranger.host for stranger in strangers.values() if now - stranger.last_s < SILENT_S]
        if asking or now - self._asked_s >= READ_S:
            self._asking, self._asked_s = (asking[-1] if asking else ""), now

    def parts(self) -> dict[str, Callable[[], object]]:
        """What the journal keeps of hands, beside the tree."""
        return {MIDI_MACROS: self.midi.bindings.state, "allowed": lambda: sorted(self._let_in)}

    def restore(self, parts: Mapping[str, object]) -> None:
        """Take back what `parts` told; what cannot be taken is said."""
        for message in self.midi.bindings.restore(parts.get(MIDI_MACROS, [])):
            self._say(message)
        hosts = parts.get("allowed", [])
        if self._again and isinstance(hosts, list):  # in another place the same address is somebody else
            for host in hosts:
                self._admit(str(host))

    def _admit(self, host: str) -> None:
        self._let_in.add(host)
        self.allowed.allow(host)

    def close(self) -> None:
        """Close sockets and ports."""
        self._closing.set()
        self._stack.close()

    def _open(self, options: PlayOptions) -> None:
        if options.osc_bind != "off":
            listen = partial(self._listen, options.osc_bind)
            self._had(listen, options.osc_bind == DEFAULT_OSC)
            if self.server is None and self._lenient:
                threading.Thread(target=self._listen_later, args=(listen,), name="osc again", daemon=True).start()
        if options.osc_tcp:
            self._had(partial(self._stream_from, options.osc_tcp))
        self.feed.start()
        self._stack.callback(self.feed.close)
        self.midi.start()
        self._stack.callback(self.midi.close)

    def _had(self, make: Callable[[], T], needless: bool = False) -> T | None:
        """What `make` opens or finds; None, which is said, where the show goes on without it."""
        try:
            return make()
        except (OSError, ValueError) as error:
            if not (self._lenient or needless):
                raise
            self._say(f"{error}; kept playing without it")
            return None

    def _listen(self, place: str) -> None:
        server = OscServer(self.receiver, *target(place)[:2])
        self._stack.callback(server.close)
        self.server = server

    def _listen_later(self, listen: Callable[[], None]) -> None:
        while self.server is None and not self._closing.wait(RETRY_S):
            with suppress(OSError, ValueError):
                listen()
                self._say("OSC is heard again")

    def _stream_from(self, place: str) -> None:
        self._stream = OscStream(self.receiver, *target(place)[:2])
        self._stack.callback(self._stream.close)

    def _send(self, packet: bytes, destination: Address) -> bool:
        """To a subscriber, the way it came; False if the system does not take it."""
        if self._stream is not None and self._stream.send(packet, destination[:2]):
            return True
        return self.server is not None and self.server.send(packet, destination)
