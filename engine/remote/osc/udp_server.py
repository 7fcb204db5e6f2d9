"""OSC over UDP: one socket and one thread that waits for datagrams, drains what has come and rests a moment."""

import contextlib
import errno
import logging
import os
import selectors
import socket
import sys
import threading
import time

from engine.remote.osc.datagrams import BATCH, dropped_by_system, reader
from engine.remote.osc.receiver import Receiver

log = logging.getLogger("clavilux.osc")

# After a drain the thread rests: what comes meanwhile is read by one wake-up instead of many, each of which would interrupt
# the drawing thread. Less than a tick, which is when a value comes into force anyway.
REST_S = 0.002
DRAIN = 8  # batches between two rests
BUFFER = 4 * 1024 * 1024  # bytes: a second of the fastest senders
WAIT_S = 1.0
_FORCE = 33  # SO_RCVBUFFORCE, which needs a right that few have


class OscServer:
    """Receives on HOST:PORT until `close`. Port 0 takes a free one. Raises OSError that says what to do.

    `buffer`: bytes the system is asked to hold for us. `send` may be called from any thread.
    """

    def __init__(self, receiver: Receiver, host: str = "127.0.0.1", port: int = 9000, buffer: int = BUFFER) -> None:
        self.unsent = 0  # answers and other packets that the system did not take
        self.faults = 0  # packets that an error of ours cost
        self._receiver = receiver
        self._socket = open_socket(host, port, socket.SOCK_DGRAM)
        widen(self._socket, buffer)
        self._reader = reader(self._socket)
        self._waker, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._complained_s = -1.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    @property
    def buffer_bytes(self) -> int:
        """Room for datagrams that wait, as the system grants it."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    @property
    def dropped(self) -> int:
        """Datagrams that came faster than they were read; 0 where the system does not say."""
        return dropped_by_system(self._socket)

    def send(self, packet: bytes, destination: tuple[str, int]) -> bool:
        """Send from the socket that receives, without waiting. False, and counted, if the system does not take it."""
        try:
            self._socket.sendto(packet, destination)
        except OSError:
            self.unsent += 1
            return False
        return True

    def close(self) -> None:
        """Stop receiving."""
        if self._closing:
            return
        self._closing = True
        self._waker.send(b"\0")
        self._thread.join(5.0)
        self._selector.close()
        for item in (self._socket, self._waker, self._woken):
            item.close()

    def _run(self) -> None:
        while not self._closing:
            try:
                wait_s = self._receiver.next_due_s - time.monotonic()
                if self._selector.select(min(max(wait_s, 0.0), WAIT_S)):
                    self._drain()
                    self._receiver.due(time.monotonic())
                    time.sleep(REST_S)
                else:
                    self._receiver.due(time.monotonic())
            except Exception:  # one bad packet must not end the remote; it is counted and told at most once a second
                self._complain()
                time.sleep(REST_S)

    def _drain(self) -> None:
        for _ in range(DRAIN):
            datagrams = self._reader.read()
            now_s = time.monotonic()
            for data, sender in datagrams:
                try:
                    for packet in self._receiver.receive(data, sender, now_s):
                        self.send(packet, sender)
                except Exception:  # what came in the same handful is still taken
                    self._complain()
            if len(datagrams) < BATCH:
                break

    def _complain(self) -> None:
        self.faults += 1
        if time.monotonic() - self._complained_s > 1.0:
            self._complained_s = time.monotonic()
            log.exception("expected an OSC packet that can be dealt with; left it out (%d so far)", self.faults)


def open_socket(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A bound socket that never blocks, on a name or an address of this machine. Raises OSError that says what to do."""
    try:
        if not host:
            raise OSError("an empty host would be every address of this machine")
        family, _, _, _, place = socket.getaddrinfo(host.strip("[]"), port, type=kind)[0]
        opened = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise OSError(f"expected an address of this machine to listen on; got {host!r}: {error}") from error
    try:
        if kind == socket.SOCK_STREAM and os.name == "posix":  # elsewhere this option steals ports
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left may be taken again at once
        opened.bind(place)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            way = f"expected a free port for OSC; got {host}:{port}, which another program holds: end it, or listen elsewhere"
        else:
            way = f"expected an address of this machine to listen on for OSC; got {host}:{port} ({error.strerror})"
        raise OSError(error.errno, way) from error
    return opened


def widen(opened: socket.socket, buffer: int) -> None:
    """Ask for room for what comes while the show is held up; how much is given is the system's affair."""
    for option in (socket.SO_RCVBUF, _FORCE) if sys.platform == "linux" else (socket.SO_RCVBUF,):
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, option, buffer)
