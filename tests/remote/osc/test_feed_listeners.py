"""Whom a feed tells: those who subscribed, for as long as they did, over the socket that they wrote to."""

import socket
import time

from feeding import Ear, play, tick, until
from pythonosc.osc_message_builder import build_msg

from engine.control.tree import ParamTree
from engine.core.types import Event
from engine.remote.osc.feed import Feed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.subscriptions import Subscriptions
from engine.remote.osc.udp_server import OscServer


def test_a_subscription_ends_unless_it_is_renewed(make):
    """Not ten seconds of waiting: the subscription was made nine and a half seconds ago."""
    gone, renewed = make(Ear), make(Ear)
    feed = make(Feed, Subscriptions())
    now = time.monotonic()
    for ear in (gone, renewed):
        feed.subscribe(("features",), ear.address, now - 9.5)
    feed.subscribe(("features",), renewed.address, now)
    play(feed, 0.3)
    assert gone.heard("/feature/flux")
    until(lambda: feed.counts()["osc_subscribers"] == 1)
    assert time.monotonic() >= now + 0.5
    time.sleep(0.2)  # what was on its way
    count, others = len(gone.packets), len(renewed.packets)
    play(feed, 0.3)
    assert len(gone.packets) == count
    assert len(renewed.packets) > others


def test_those_of_the_command_line_are_told_from_the_first_tick_over_ipv6_too(make):
    ears = [make(Ear)]
    try:
        ears.append(make(Ear, socket.AF_INET6, "::1"))
    except OSError:
        print("no IPv6 here: told over IPv4 only")
    feed = make(Feed, Subscriptions([ear.address for ear in ears]))
    feed.follow(tick())
    for ear in ears:
        assert ear.heard("/feature/loudness")


def test_one_who_subscribes_over_udp_is_told_from_the_socket_that_it_wrote_to(make):
    ear, receiver = make(Ear), Receiver(ParamTree())
    server = make(OscServer, receiver, "127.0.0.1", 0)
    feed = make(Feed, Subscriptions(), send=server.send)
    receiver.handlers |= {"/subscribe": feed.subscribe, "/unsubscribe": feed.unsubscribe}
    ear.socket.connect(("127.0.0.1", server.port))  # like a host that takes answers from there only
    ear.socket.send(build_msg("/subscribe", ["features"]).dgram)
    until(lambda: feed.wants("features"))
    feed.follow(tick())
    assert ear.heard("/feature/loudness")
    ear.socket.send(build_msg("/unsubscribe").dgram)
    until(lambda: not feed.wants("features"))
    ear.socket.send(build_msg("/subscribe", ["drums"]).dgram)
    until(lambda: sum(receiver.counts.values()) == 1)


def test_one_who_has_gone_or_a_full_buffer_costs_the_others_nothing(make):
    ear, full = make(Ear), []

    def send(packet, address):
        full.append(packet)
        return False

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()
    feed = make(Feed, Subscriptions([nobody, ear.address]), send=send)
    feed.subscribe(("features", 50.0), ("127.0.0.1", 1), time.monotonic())
    play(feed, 0.4, events=[Event("hat", 0.0, 0.5)])
    assert len(ear.heard("/event/hat")) > 5
    assert feed.dropped == len(full) > 5
    assert feed.faults == 0
    assert feed.sent >= len(ear.packets)
