"""Tells whoever follows the show what is heard and shown: features, events, beats, colours, figures and moving parameters.

The analysis thread calls `follow`, the receiver's thread `subscribe` and `unsubscribe`, any thread `wants` and `counts`;
sending is done by a thread of its own, which waits for nobody: what the system's buffer does not take is dropped and counted.
"""

import logging
import math
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from engine.core.types import Event, FeatureFrame, Tick, Value
from engine.remote.osc.beat_schedule import BeatSchedule
from engine.remote.osc.message_template import Template, element, packets
from engine.remote.osc.subscriptions import Address, Subscriber, Subscriptions
from engine.remote.osc.udp_sender import UdpSender

log = logging.getLogger("clavilux.osc")
Colour = tuple[float, float, float]

LONGEST_VECTOR = 16  # of those sent: the forty mel bands are too fine for lights
COLOURS = 5
STATUS_S = 1.0
IDLE_S = 1.0  # between looks for subscribers, who wake the thread themselves
WATCH_S = 0.1  # between looks at the beat where nothing else is due
LEAST_S = 2e-4  # however numbers round, the thread never spins
MOST_VALUES = 64  # parameters at a time
EVENTS = 256  # kept while the thread is held up


class _Follower:
    """What is remembered of one subscriber."""

    __slots__ = ("due_s", "params", "place", "sent", "status_s", "told")

    def __init__(self, told: Subscriber, now_s: float) -> None:
        self.told = told
        self.due_s = self.status_s = now_s
        self.params: Mapping[str, Value] | None = None  # whose numbers have all been sent
        self.sent: dict[str, Value] = {}
        self.place = 0  # where in the parameters to go on


class Feed:
    """Pushes to all of `subscriptions`, each at its own rate; events and beats at once.

    `send` answers subscribers from the socket that they wrote to, without waiting, and says whether it could. Those who are
    told permanently, and everyone if it is not given, are written to from sockets of the feed's own. `colours` is asked for up to
    five (r, g, b) of 0..1, `status` for figures by name, `offset_ms` for how early beats are told: all from the feed's thread.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        *,
        send: Callable[[bytes, Address], bool] | None = None,
        colours: Callable[[], Sequence[Colour]] = tuple,
        status: Callable[[], Mapping[str, float | str]] = dict,
        offset_ms: Callable[[], float] = float,
    ) -> None:
        self.sent = self.dropped = self.faults = 0  # packets, packets, passes that failed
        self._subscriptions, self._colours, self._status, self._offset_ms = subscriptions, colours, status, offset_ms
        self._sender = UdpSender()
        self._answer = send or self._sender.send
        self._tick: Tick | None = None
        self._beat = 0  # the whole beats of the newest tick
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._beats = BeatSchedule()
        self._told: tuple[Subscriber, ...] = ()
        self._followers: tuple[_Follower, ...] = ()
        self._wanted: frozenset[str] = frozenset()
        self._names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._vectors: tuple[str, ...] = ()
        self._features = Template(())
        self._palette = Template([(f"/colour/{number}", 3) for number in range(1, COLOURS + 1)])
        self._time = Template([("/beat/phase", 1), ("/beat/bpm", 1)])
        self._heads: dict[str, bytes] = {}
        self._complained_s = -math.inf
        self._wake, self._closing = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="osc feed", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """Stop sending."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._sender.close()

    def follow(self, tick: Tick) -> None:
        """Take the newest tick. Microseconds: the thread is woken only for an event or a beat that someone waits for."""
        self._tick = tick
        if not self._wanted:
            return
        events, beat = tick.features.events, int(tick.music.beats)
        if events or beat != self._beat:
            self._beat = beat
            self._events.extend(events)
            self._wake.set()

    def subscribe(self, arguments: Sequence[object], sender: Address, now_s: float) -> None:
        """What handles `/subscribe`: there is nothing to answer. Raises SubscriptionError."""
        self._subscriptions.subscribe(arguments, sender, now_s)
        self._wake.set()

    def unsubscribe(self, arguments: Sequence[object], sender: Address, now_s: float) -> None:
        """What handles `/unsubscribe`: there is nothing to answer. Raises SubscriptionError."""
        self._subscriptions.unsubscribe(arguments, sender, now_s)
        self._wake.set()

    def wants(self, group: str) -> bool:
        """Whether anybody follows this group."""
        return group in self._wanted

    def counts(self) -> dict[str, float]:
        """Figures for the status: how many are told, packets sent, packets dropped."""
        return {"osc_subscribers": len(self._told), "osc_pushed": self.sent, "osc_push_dropped": self.dropped}

    def _run(self) -> None:
        while not self._closing:
            try:
                wait_s = self._serve(time.monotonic())
            except Exception:  # a bad figure must not end the feed; it is counted and told at most once a second
                self._complain()
                wait_s = WATCH_S
            self._wake.wait(wait_s)
            self._wake.clear()

    def _serve(self, now_s: float) -> float:
        """Send all that is due. Returns for how long nothing else is, in seconds."""
        self._meet(now_s)
        tick = self._tick
        if not self._followers or tick is None:
            self._events.clear()
            return WATCH_S if self._followers else IDLE_S
        events = [element(f"/event/{event.kind}", event.strength) for event in self._taken()]
        if events:
            self._tell("features", events)
        wait_s = IDLE_S
        offset_s = 0.0
        if "beat" in self._wanted:
            offset_s = self._offset_ms() / 1e3
            self._beats.hear(tick.music, tick.t_heard)
            beat = self._beats.due(now_s, offset_s)
            if beat is not None:
                self._tell("beat", [element("/beat", beat)])
            wait_s = min(WATCH_S, self._beats.next_s(now_s, offset_s) - now_s)
        made: dict[str, list[bytes]] = {}
        for follower in self._followers:
            if now_s >= follower.due_s:
                follower.due_s = max(follower.due_s + 1.0 / follower.told.rate_hz, now_s)  # after a stall without a burst
                self._push(follower, tick, now_s, offset_s, made)
            wait_s = min(wait_s, follower.due_s - now_s)
        return max(wait_s, LEAST_S)

    def _meet(self, now_s: float) -> None:
        """Take note of those who came, renewed or went."""
        told = self._subscriptions.current(now_s)
        if told is self._told:
            return
        known = {follower.told.address: follower for follower in self._followers}
        followers = []
        for one in told:
            follower = known.get(one.address)
            if follower is None:
                follower = _Follower(one, now_s)
            elif follower.told is not one:  # renewed: it may have begun anew, and what got lost comes again
                follower.told, follower.due_s = one, min(follower.due_s, now_s + 1.0 / one.rate_hz)
                follower.params = None
                follower.sent.clear()
            followers.append(follower)
        wanted = frozenset(chain.from_iterable(one.groups for one in told))
        if "beat" not in self._wanted:
            self._beats = BeatSchedule()  # those that nobody followed are past
        self._told, self._followers, self._wanted = told, tuple(followers), wanted

    def _taken(self) -> list[Event]:
        events = self._events
        return [events.popleft() for _ in range(len(events))]

    def _tell(self, group: str, elements: list[bytes]) -> None:
        """At once, to all who follow the group; a single message goes without a bundle around it."""
        made = [elements[0][4:]] if len(elements) == 1 else packets(elements)
        for follower in self._followers:
            if group in follower.told.groups:
                self._send(made, follower.told)

    def _push(self, follower: _Follower, tick: Tick, now_s: float, offset_s: float, made: dict[str, list[bytes]]) -> None:
        """Send one subscriber what it follows. `made` holds what this pass has laid out for others already."""
        groups = follower.told.groups
        elements: list[bytes] = []
        for group in ("features", "beat", "colours"):
            if group in groups:
                if group not in made:
                    made[group] = self._made(group, tick, now_s, offset_s)
                elements += made[group]
        if "values" in groups:
            elements += self._values(follower, tick.params)
        if "status" in groups and now_s >= follower.status_s:
            follower.status_s = now_s + STATUS_S
            if "status" not in made:
                made["status"] = self._figures()
            elements += made["status"]
        self._send(packets(elements), follower.told)

    def _made(self, group: str, tick: Tick, now_s: float, offset_s: float) -> list[bytes]:
        if group == "features":
            return self._heard(tick.features)
        if group == "beat":
            music, phase = self._beats.music, self._beats.phase(now_s, offset_s)
            return [*self._time.fill((phase, music.bpm)), element("/beat/source", music.source)]
        colours = self._colours()
        return self._palette.fill(list(chain.from_iterable(colours))) if len(colours) == COLOURS else []

    def _heard(self, features: FeatureFrame) -> list[bytes]:
        values, vectors = features.values, features.vectors
        names = (tuple(values), tuple(vectors))
        if names != self._names:  # at the start, and when another sound is listened to
            self._names = names
            self._vectors = tuple(name for name, vector in vectors.items() if len(vector) <= LONGEST_VECTOR)
            sizes = [(f"/feature/{name}", len(vectors[name])) for name in self._vectors]
            self._features = Template([(f"/feature/{name}", 1) for name in values] + sizes)
        numbers = list(values.values())
        for name in self._vectors:
            numbers += vectors[name].tolist()
        return self._features.fill(numbers)

    def _values(self, follower: _Follower, params: Mapping[str, Value]) -> list[bytes]:
        """Numbers in force that changed since this subscriber was told, MOST_VALUES at a time, all in their turn.

        All of them to one who is new or has renewed.
        """
        if params is follower.params:
            return []
        elements: list[bytes] = []
        items, sent, heads = list(params.items()), follower.sent, self._heads
        place = follower.place % max(len(items), 1)
        for at in chain(range(place, len(items)), range(place)):
            address, value = items[at]
            if sent.get(address) != value:
                if len(elements) == MOST_VALUES:
                    follower.place = at
                    return elements
                sent[address] = value
                if isinstance(value, int | float):
                    head = heads.get(address)
                    if head is None:
                        head = heads[address] = element(f"/value{address}", 0.0)[:-4]
                    elements.append(head + struct.pack(">f", value))
        follower.params = params
        return elements

    def _figures(self) -> list[bytes]:
        try:
            return [element(f"/status/{name}", value) for name, value in self._status().items()]
        except Exception:  # whatever is asked for figures, the rest is still told
            self._complain()
            return []

    def _send(self, made: list[bytes], told: Subscriber) -> None:
        send = self._answer if told.sender else self._sender.send
        for packet in made:
            if send(packet, told.address):
                self.sent += 1
            else:
                self.dropped += 1

    def _complain(self) -> None:
        self.faults += 1
        if time.monotonic() - self._complained_s > 1.0:
            self._complained_s = time.monotonic()
            log.exception("expected figures to send; left them out (%d so far)", self.faults)
