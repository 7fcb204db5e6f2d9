"""Who is told what is heard and shown: subscribers, who must renew, and those of --osc-out, who need not."""

import math
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Address = tuple[Any, ...]  # as sockets take it: host, port, and more for IPv6

GROUPS = ("features", "beat", "colours", "status", "values")
USUAL = frozenset(GROUPS) - {"values"}
LIFE_S = 10.0  # from the last renewal
MOST = 32  # subscribers
RATE_HZ, LOW_HZ, HIGH_HZ = 30.0, 1.0, 120.0


class SubscriptionError(ValueError):
    """A subscription that cannot be taken; the message says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One who is told."""

    address: Address  # where to send
    groups: frozenset[str]
    rate_hz: float  # of what is sent steadily
    expires_s: float = math.inf
    sender: Address = ()  # who asked; empty for those who are told permanently


class Subscriptions:
    """All who are told. Any thread may use it; times are time.monotonic(), handed in.

    `permanent` are told all groups but values until the end, unless they subscribe to something else.
    """

    def __init__(self, permanent: Iterable[Address] = ()) -> None:
        self._permanent = {_key(address): Subscriber(address, USUAL, RATE_HZ) for address in permanent}
        self._held: dict[Address, Subscriber] = {}
        self._changing = threading.Lock()
        self._all = tuple(self._permanent.values())
        self._next_end_s = math.inf

    def subscribe(self, arguments: Sequence[object], sender: Address, now_s: float) -> Subscriber:
        """Tell `sender` for LIFE_S from now, and in place of what it asked before.

        Arguments, in any order: groups (none: all but values); a rate of 1..120 messages a second; a port of the sender's own
        host to send to. Many hosts send every number as a float, so the size tells them apart: up to 120 it is a rate.
        Raises SubscriptionError.
        """
        groups, rate_hz, port = _wishes(arguments)
        address = (sender[0], port or sender[1], *sender[2:])  # never another host than the one that asked
        told = Subscriber(address, groups or USUAL, rate_hz or RATE_HZ, now_s + LIFE_S, sender)
        with self._changing:
            self._expire(now_s)
            if _key(address) not in self._held and len(self._held) >= MOST:
                raise SubscriptionError(f"expected at most {MOST} subscribers; got one more, {sender[0]}; kept those there are")
            self._held[_key(address)] = told
            self._publish()
        return told

    def unsubscribe(self, arguments: Sequence[object], sender: Address, now_s: float) -> None:
        """Stop telling `sender`: all that it asked for, or with a port what goes there. Raises SubscriptionError."""
        groups, rate_hz, port = _wishes(arguments)
        if groups or rate_hz:
            raise SubscriptionError(f"expected /unsubscribe with a port or nothing; got {list(arguments)!r:.80}")
        with self._changing:
            self._expire(now_s)
            for key, told in tuple(self._held.items()):
                own = told.address[0] == sender[0] and (told.address[1] == port if port else _key(told.sender) == _key(sender))
                if own or (not port and key == _key(sender)):
                    del self._held[key]
            self._publish()

    def current(self, now_s: float) -> tuple[Subscriber, ...]:
        """All who are told at `now_s`; the same tuple while nothing changes."""
        if now_s >= self._next_end_s:
            with self._changing:
                self._expire(now_s)
                self._publish()
        return self._all

    def _expire(self, now_s: float) -> None:
        for key in [key for key, told in self._held.items() if told.expires_s <= now_s]:
            del self._held[key]

    def _publish(self) -> None:
        self._next_end_s = min((told.expires_s for told in self._held.values()), default=math.inf)
        self._all = tuple({**self._permanent, **self._held}.values())


def target(text: str) -> Address:
    """`HOST:PORT` or `[HOST]:PORT`, resolved now, as sockets take it. Raises ValueError that says what is wrong."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else 0
    if not colon or not host or not 1 <= number <= 65535 or (":" in host and not bracketed):
        raise ValueError(f"expected HOST:PORT, as 127.0.0.1:9001 or [::1]:9001; got {text!r}")
    try:
        found = socket.getaddrinfo(host, number, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"expected a host that can be found; got {host!r}: {error}") from error
    found.sort(key=lambda item: item[0] != socket.AF_INET)  # where a name has both, most OSC hosts listen on IPv4 alone
    return tuple(found[0][4])


def _key(address: Address) -> Address:
    return address[:2]


def _wishes(arguments: Sequence[object]) -> tuple[frozenset[str], float, int]:
    """Groups, rate and port; empty or 0 where nothing is said."""
    groups: set[str] = set()
    rate_hz, port = 0.0, 0
    for argument in arguments:
        if isinstance(argument, str) and argument in GROUPS:
            groups.add(argument)
        elif isinstance(argument, bool) or not isinstance(argument, int | float):
            raise SubscriptionError(f"expected groups of {', '.join(GROUPS)}, a rate and a port; got {argument!r:.80}")
        elif LOW_HZ <= argument <= HIGH_HZ and not rate_hz:
            rate_hz = float(argument)
        elif HIGH_HZ < argument <= 65535 and argument == int(argument) and not port:
            port = int(argument)
        else:
            raise SubscriptionError(
                f"expected one rate of {LOW_HZ:.0f}..{HIGH_HZ:.0f} messages a second and one port above; got {argument!r:.80}"
            )
    return frozenset(groups), rate_hz, port
