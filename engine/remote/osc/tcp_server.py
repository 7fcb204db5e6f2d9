"""OSC over TCP: a few clients, one thread, and nobody who is slow or silent holds anything up.

Packets are framed by SLIP (OSC 1.1) or by their lengths (OSC 1.0), as each client does it.
"""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from pythonosc.slip import encode

from engine.remote.osc.length_prefix import LengthDecoder, prefixed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.slip import FrameError, SlipDecoder
from engine.remote.osc.udp_server import REST_S, WAIT_S, open_socket

log = logging.getLogger("clavilux.osc")

CLIENTS = 16
SILENT_S = 10.0  # after which a client's place may be given to another
CHUNK = 65_536  # bytes read from one client before the next has its turn
OWED = 256 * 1024  # bytes of answers kept for a client that does not read; more ends the connection
QUEUED = 1024  # packets on their way from other threads


class _Client:
    """One connection."""

    def __init__(self, connection: socket.socket, peer: tuple[str, int], now_s: float) -> None:
        self.connection, self.peer, self.heard_s = connection, peer, now_s
        self.frames: SlipDecoder | LengthDecoder | None = None  # told by the first byte
        self.frame: Callable[[bytes], bytes] = encode
        self.owed = bytearray()

    def understand(self, first: int) -> None:
        """How this client frames its packets: no length that is taken begins with another byte than 0, and no SLIP with that.

        Raises FrameError for a stream that is neither.
        """
        if first and first not in b"\xc0/#":
            raise FrameError(f"expected OSC framed by SLIP, or lengths before its packets; got a stream that begins with {first}")
        self.frames, self.frame = (LengthDecoder(), prefixed) if first == 0 else (SlipDecoder(), encode)


class OscStream:
    """Listens on HOST:PORT until `close`. Port 0 takes a free one. Raises OSError that says what to do.

    Answers go back on the connection that asked. `send` may be called from any thread.
    """

    def __init__(self, receiver: Receiver, host: str, port: int) -> None:
        self.unsent = 0  # packets for clients that did not read, or were gone
        self.turned_away = 0  # connections: strangers, and more than CLIENTS
        self.faults = 0  # frames that an error of ours cost
        self._receiver = receiver
        self._clients: dict[tuple[str, int], _Client] = {}
        self._queued: deque[tuple[bytes, tuple[str, int]]] = deque()
        self._socket = open_socket(host, port, socket.SOCK_STREAM)
        self._socket.listen(4 * CLIENTS)
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._complained_s = -1.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="osc stream", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def send(self, packet: bytes, destination: tuple[str, int]) -> bool:
        """Send to the client that connected from `destination`, without waiting. False if there is none."""
        if destination[:2] not in self._clients or len(self._queued) >= QUEUED:
            return False
        self._queued.append((packet, destination[:2]))
        self._wake()
        return True

    def close(self) -> None:
        """Stop listening and end all connections."""
        if self._closing:
            return
        self._closing = True
        self._wake()
        self._thread.join(5.0)
        self._selector.close()
        for client in self._clients.values():
            client.connection.close()
        self._clients.clear()
        for item in (self._socket, self._waker, self._woken):
            item.close()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it has been woken often enough
            self._waker.send(b"\0")

    def _run(self) -> None:
        while not self._closing:
            try:
                wait_s = self._receiver.next_due_s - time.monotonic()
                ready = self._selector.select(min(max(wait_s, 0.0), WAIT_S))
                for key, events in ready:
                    self._serve(key, events)
                self._receiver.due(time.monotonic())
                if ready:
                    time.sleep(REST_S)  # as the server does
            except Exception:  # one bad client must not end the remote; it is counted and told at most once a second
                self._complain()
                time.sleep(REST_S)

    def _serve(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._socket:
            self._accept(time.monotonic())
        elif key.fileobj is self._woken:
            self._woken.recv(4096)
            while self._queued:
                packet, peer = self._queued.popleft()
                if peer in self._clients:
                    self._answer(self._clients[peer], packet)
                else:
                    self.unsent += 1
        else:
            if events & selectors.EVENT_READ:
                self._read(key.data, time.monotonic())
            if events & selectors.EVENT_WRITE:
                self._write(key.data)

    def _accept(self, now_s: float) -> None:
        try:
            connection, peer = self._socket.accept()
        except OSError:  # gone again
            return
        connection.setblocking(False)
        place = peer[0], peer[1]
        if not self._receiver.admits(place, now_s) or not self._has_room(now_s):
            self.turned_away += 1
            connection.close()
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients[place] = client = _Client(connection, place, now_s)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _has_room(self, now_s: float) -> bool:
        if len(self._clients) < CLIENTS:
            return True
        quietest = min(self._clients.values(), key=lambda item: item.heard_s)
        if now_s - quietest.heard_s < SILENT_S:
            return False
        self._end(quietest)
        return True

    def _read(self, client: _Client, now_s: float) -> None:
        try:
            data = client.connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            if client.frames is not None and client.frames.waiting:
                wrong = f"expected a frame that ends; got the connection's end after {client.frames.waiting} bytes"
                self._receiver.refuse_frame(wrong, client.peer, now_s)
            self._end(client)
            return
        client.heard_s = now_s
        try:
            if client.frames is None:
                client.understand(data[0])
            frames = client.frames.feed(data)  # type: ignore[union-attr]
        except FrameError as error:
            self._receiver.refuse_frame(str(error), client.peer, now_s)
            self._end(client)
            return
        for frame in frames:
            try:
                for packet in self._receiver.receive(frame, client.peer, now_s):
                    self._answer(client, packet)
            except Exception:  # what came in the same chunk is still taken
                self._complain()

    def _answer(self, client: _Client, packet: bytes) -> None:
        if client.peer in self._clients:
            client.owed += client.frame(packet)
            self._write(client)
        else:  # an answer before this one ended the connection
            self.unsent += 1

    def _write(self, client: _Client) -> None:
        if client.peer not in self._clients:
            return
        try:
            while client.owed:
                del client.owed[: client.connection.send(client.owed)]
        except BlockingIOError:
            pass
        except OSError:
            self._end(client)
            return
        if len(client.owed) > OWED:
            self.unsent += 1
            self._end(client)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.owed else 0)
        if self._selector.get_key(client.connection).events != wanted:
            self._selector.modify(client.connection, wanted, client)

    def _end(self, client: _Client) -> None:
        if self._clients.pop(client.peer, None) is not None:
            self._selector.unregister(client.connection)
            client.connection.close()

    def _complain(self) -> None:
        self.faults += 1
        if time.monotonic() - self._complained_s > 1.0:
            self._complained_s = time.monotonic()
            log.exception("expected an OSC frame that can be dealt with; left it out (%d so far)", self.faults)
