"""Who may control the show: this machine always, others only if they are named or let in by the operator."""

import socket
import threading
from collections.abc import Iterable
from typing import NamedTuple

STRANGERS = 32  # remembered
LOOK_S = 0.1  # between two looks at whether a stranger is this machine under another of its addresses


class Stranger(NamedTuple):
    """A host that is not let in and sent something."""

    host: str
    packets: int  # so far
    first_s: float  # time.monotonic()
    last_s: float


class AllowList:
    """The hosts whose packets are taken. Any thread may use it.

    `hosts` are names or addresses, looked up now and never again: while the show plays nobody waits for a name server.
    Raises ValueError for a host that cannot be found.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._allowed = {"127.0.0.1", "::1"}
        for host in hosts:
            self.find(host)
        self._strangers: dict[str, Stranger] = {}
        self._changing = threading.Lock()
        self._looked_s = -LOOK_S

    def find(self, host: str) -> None:
        """Take what `host`, a name or an address, sends. Raises ValueError for one that cannot be found."""
        self._allowed = self._allowed | _addresses(host)

    def admits(self, host: str, now_s: float) -> bool:
        """Whether packets from `host`, an address as sockets give it, are taken. One who is not is remembered as a stranger."""
        return host in self._allowed or self._recognises(_plain(host), now_s)

    def allow(self, host: str) -> None:
        """Take what `host`, an address, sends from now on."""
        with self._changing:
            self._strangers.pop(_plain(host), None)
            self._allowed = self._allowed | {_plain(host)}

    @property
    def stranger(self) -> Stranger | None:
        """The one that came last. Its place is kept while older ones go on sending, so that a key pressed means who was shown."""
        strangers = self.strangers
        return strangers[-1] if strangers else None

    @property
    def strangers(self) -> tuple[Stranger, ...]:
        """The newest STRANGERS of them, in the order in which they came."""
        with self._changing:
            return tuple(self._strangers.values())

    def _recognises(self, host: str, now_s: float) -> bool:
        if host in self._allowed or host.startswith("127."):
            return True
        if now_s - self._looked_s >= LOOK_S:  # a look costs system calls, which forged senders must not multiply
            self._looked_s = now_s
            if _is_own(host):
                self.allow(host)
                return True
        with self._changing:
            known = self._strangers.get(host)
            if known is None and len(self._strangers) >= STRANGERS:
                del self._strangers[next(iter(self._strangers))]
            self._strangers[host] = Stranger(host, known.packets + 1 if known else 1, known.first_s if known else now_s, now_s)
        return False


def _addresses(host: str) -> set[str]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"expected a host that can be found; got {host!r}: {error}") from error
    return {_plain(str(item[4][0])) for item in found}


def _plain(host: str) -> str:
    """An address without its scope, and IPv4 as itself where a socket of both kinds wraps it in IPv6."""
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def _is_own(host: str) -> bool:
    """Whether `host` is an address of this machine: only such can be bound."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True
