"""OSC over real TCP connections, framed by SLIP."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from playing import Show, until
from pythonosc import slip
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg
from pythonosc.tcp_client import SimpleTCPClient

from engine.remote.osc import tcp_server
from engine.remote.osc.allowlist import AllowList
from engine.remote.osc.length_prefix import prefixed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.slip import FrameError, SlipDecoder
from engine.remote.osc.tcp_server import CLIENTS, OscStream


@pytest.fixture
def served(receiver: Receiver) -> Iterator[OscStream]:
    with closing(OscStream(receiver, "127.0.0.1", 0)) as served:
        yield served


def framed(address: str, *arguments: object) -> bytes:
    return slip.encode(build_msg(address, list(arguments)).dgram)


def connected(stack: ExitStack, served: OscStream) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=10.0))


def answers(connection: socket.socket, count: int) -> list[OscMessage]:
    """The next `count` messages."""
    frames, found = SlipDecoder(), list[OscMessage]()
    while len(found) < count:
        data = connection.recv(65536)
        assert data, "the connection was ended"
        found += [OscMessage(frame) for frame in frames.feed(data)]
    return found


def has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True


def test_python_osc_sets_and_asks(show: Show, served: OscStream) -> None:
    with SimpleTCPClient("127.0.0.1", served.port, mode="1.1") as client:
        client.send_message("/walk/jitter", 0.25)
        client.send_message("/walk/z", [0.5, -0.5])
        until(lambda: show["/walk/z"] == (0.5, -0.5))
        assert show["/walk/jitter"] == 0.25
        client.send_message("/walk/jitter", [])
        answer = OscMessage(client.receive(10.0)[0])
        assert (answer.address, answer.params) == ("/walk/jitter", [0.25])


def test_a_sender_that_puts_lengths_before_its_packets_is_understood(show: Show, served: OscStream) -> None:
    with SimpleTCPClient("127.0.0.1", served.port, mode="1.0") as client:
        client.send_message("/walk/jitter", 0.25)
        client.send_message("/walk/z", [0.5, -0.5])
        until(lambda: show["/walk/z"] == (0.5, -0.5))
        assert show["/walk/jitter"] == 0.25
        client.send_message("/walk/jitter", [])
        answer = OscMessage(client.receive(10.0)[0])
        assert (answer.address, answer.params) == ("/walk/jitter", [0.25])
    packet = build_msg("/walk/jitter", [0.75]).dgram
    with ExitStack() as stack:
        client = connected(stack, served)
        for byte in prefixed(packet):
            client.sendall(bytes([byte]))
        until(lambda: show["/walk/jitter"] == 0.75)
        client.sendall(b"\0\xff\xff\xff" + packet)
        assert has_ended(client)


def test_frames_may_come_in_pieces_or_many_at_once(show: Show, served: OscStream) -> None:
    with ExitStack() as stack:
        client = connected(stack, served)
        for byte in framed("/walk/jitter", 0.25):
            client.sendall(bytes([byte]))
        until(lambda: show["/walk/jitter"] == 0.25)
        client.sendall(b"".join(framed("/walk/jitter", number / 1000) for number in range(1001)) + framed("/walk/jitter"))
        assert answers(client, 1)[0].address == "/walk/jitter"
        until(lambda: show["/walk/jitter"] == 1.0)


def test_bytes_that_frame_are_escaped_and_restored() -> None:
    for packet in (b"\xc0\xdb\xdc\xdd" * 3, b"\xdb\xdc", b"\xdb\xdd", b"\xdb" * 7, bytes(range(256))):
        assert SlipDecoder().feed(slip.encode(packet)) == [packet]
    frames = SlipDecoder()
    assert [frames.feed(bytes([byte])) for byte in slip.encode(b"\xc0a")] == [[], [], [], [], [b"\xc0a"]]


@pytest.mark.parametrize("stream", [b"GET / HTTP/1.1\r\n\r\n", b"\x14\0\0\0" + bytes(20)])
def test_a_stream_that_is_framed_otherwise_is_told_at_once(
    receiver: Receiver, served: OscStream, said: list[str], stream: bytes
) -> None:
    with ExitStack() as stack:
        client = connected(stack, served)
        client.sendall(stream)
        assert has_ended(client)
    assert f"got a stream that begins with {stream[0]}" in said[0]
    assert receiver.counts["malformed"] == 1


@pytest.mark.parametrize("stream", [build_msg("/walk/jitter", [0.25]).dgram, b"\0\0\0\x14/walk"])
def test_a_stream_that_ends_within_a_packet_is_told(served: OscStream, said: list[str], stream: bytes) -> None:
    with ExitStack() as stack:
        connected(stack, served).sendall(stream)
    until(lambda: said)
    assert f"expected a frame that ends; got the connection's end after {len(stream)} bytes" in said[0]


@pytest.mark.parametrize("rubbish", [b"\xc0a\xdbb\xc0", b"\xc0a\xdb\xc0", b"\xdb\xdb\xdc\xc0", b"a" * 131_015])
def test_what_is_no_slip_ends_the_connection_and_nothing_else(
    show: Show, receiver: Receiver, served: OscStream, rubbish: bytes
) -> None:
    with pytest.raises(FrameError, match=r"expected .* got "):
        SlipDecoder().feed(rubbish)
    with ExitStack() as stack:
        other, client = connected(stack, served), connected(stack, served)
        client.sendall(rubbish)
        assert has_ended(client)
        other.sendall(framed("/walk/jitter", 0.25))
        until(lambda: show["/walk/jitter"] == 0.25)
        assert receiver.counts["malformed"] == 1


def test_packets_that_are_no_osc_are_counted_and_the_connection_goes_on(
    show: Show, receiver: Receiver, served: OscStream
) -> None:
    with ExitStack() as stack:
        client = connected(stack, served)
        for packet in (b"a", b"\xff" * 65507, b"/" * 65508, b"/walk/jitter\0\0\0\0,f\0\0"):
            client.sendall(slip.encode(packet))
        client.sendall(framed("/walk/jitter", 0.25))
        until(lambda: show["/walk/jitter"] == 0.25)
        assert receiver.counts["malformed"] == 4
        assert served.faults == 0


def test_a_client_that_never_reads_holds_nobody_up(show: Show, served: OscStream) -> None:
    with ExitStack() as stack:
        deaf, other = connected(stack, served), connected(stack, served)
        until(lambda: served.clients == 2)

        def ask() -> None:
            try:
                while True:
                    deaf.sendall(framed("/list") * 100)
            except OSError:  # it was ended
                pass

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        until(lambda: served.clients == 1, 60.0)
        other.sendall(framed("/walk/jitter", 0.25) + framed("/walk/jitter"))
        answers(other, 1)
        until(lambda: show["/walk/jitter"] == 0.25)
        asking.join(10.0)
        assert served.unsent > 0


def test_places_are_bounded_and_those_of_silent_clients_are_given_on(
    show: Show, served: OscStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        clients = [connected(stack, served) for _ in range(CLIENTS)]
        until(lambda: served.clients == CLIENTS)
        assert has_ended(connected(stack, served))
        assert served.turned_away == 1
        clients[0].sendall(framed("/walk/jitter"))
        answers(clients[0], 1)
        monkeypatch.setattr(tcp_server, "SILENT_S", 0.0)
        newcomer = connected(stack, served)
        newcomer.sendall(framed("/walk/jitter", 0.25))
        until(lambda: show["/walk/jitter"] == 0.25)
        assert has_ended(clients[1])  # the one silent for longest
        clients[0].sendall(framed("/walk/jitter"))
        answers(clients[0], 1)


def test_clients_that_go_without_a_word_leave_nothing_behind(show: Show, served: OscStream) -> None:
    for _ in range(50):
        with ExitStack() as stack:
            connected(stack, served).sendall(b"\xc0/walk/ji")
    until(lambda: served.clients == 0)
    assert served.faults == 0


def test_packets_of_others_reach_a_client_by_its_address(served: OscStream) -> None:
    with ExitStack() as stack:
        client = connected(stack, served)
        place = client.getsockname()
        until(lambda: served.clients == 1)
        packets = [bytes(build_msg("/beat", float(number)).dgram) for number in range(100)]
        assert all(served.send(packet, place) for packet in packets)
        assert [answer.params for answer in answers(client, 100)] == [[float(number)] for number in range(100)]
        assert not served.send(packets[0], ("127.0.0.1", 1))


def test_a_stranger_is_turned_away_before_it_says_anything(show: Show, said: list[str]) -> None:
    class Strict(AllowList):
        """Takes this machine for another one, since a test has no other."""

        def admits(self, host: str, now_s: float) -> bool:
            return super().admits("192.0.2.7", now_s)

    allowed = Strict()
    receiver = Receiver(show.tree, allowed, say=said.append)
    with ExitStack() as stack:
        served = stack.enter_context(closing(OscStream(receiver, "127.0.0.1", 0)))
        client = connected(stack, served)
        assert has_ended(client)
        assert served.turned_away == receiver.counts["not_allowed"] == 1
        assert allowed.stranger is not None
        allowed.allow(allowed.stranger.host)
        connected(stack, served).sendall(framed("/walk/jitter", 0.25))
        until(lambda: show["/walk/jitter"] == 0.25)


def test_closing_ends_all_and_gives_the_port_back(receiver: Receiver) -> None:
    threads = threading.active_count()
    with ExitStack() as stack:
        served = OscStream(receiver, "127.0.0.1", 0)
        port = served.port
        clients = [connected(stack, served) for _ in range(3)]
        until(lambda: served.clients == 3)
        began_s = time.monotonic()
        served.close()
        served.close()
        assert time.monotonic() - began_s < 5.0
        assert all(has_ended(client) for client in clients)
        assert threading.active_count() == threads
        OscStream(receiver, "127.0.0.1", port).close()
