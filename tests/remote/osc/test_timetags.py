"""Time tags of senders whose clocks are wrong, or right."""

import time

import pytest
from playing import Show
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from engine.remote.osc.receiver import Receiver

HERE = ("127.0.0.1", 50000)
NOON_S = 1.8e9  # a time of day


class Clock:
    """The time of day, which anybody may set."""

    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def honouring(show: Show, clock: Clock, said: list[str]) -> Receiver:
    return Receiver(show.tree, honour=True, say=said.append, wall_s=clock)


def dated(when_s: float, *messages: tuple[str, *tuple[object, ...]]) -> bytes:
    """A bundle as a sender dates it that believes it is then, in seconds since 1970."""
    bundle = OscBundleBuilder(when_s)
    for address, *arguments in messages:
        bundle.add_content(build_msg(address, arguments))
    return bytes(bundle.build().dgram)


def test_a_sender_whose_clock_is_5_s_ahead_moves_faders_at_once(show: Show, receiver: Receiver) -> None:
    for ahead_s, value in ((5.0, 0.25), (-5.0, 0.75), (1e6, 0.125)):
        receiver.receive(dated(time.time() + ahead_s, ("/walk/jitter", value)), HERE, time.monotonic())
        show.settle()
        assert show["/walk/jitter"] == value
    assert receiver.next_due_s == float("inf")


def test_honoured_the_same_sender_is_5_s_late(show: Show, honouring: Receiver) -> None:
    honouring.receive(dated(NOON_S + 5.0, ("/walk/jitter", 0.25), ("/walk/step", 1)), HERE, 100.0)
    assert honouring.next_due_s == pytest.approx(105.0, abs=1e-3)
    honouring.due(104.99)
    show.settle()
    assert show.changes == []
    honouring.due(105.01)
    show.settle()
    assert show["/walk/jitter"] == 0.25
    assert show.fired("/walk/step") == 1
    assert honouring.next_due_s == float("inf")


@pytest.mark.parametrize("tag", [0, 1, 2, 1 << 32, int((NOON_S - 5 + 2208988800) * 2**32)])
def test_zero_at_once_and_the_past_are_now(show: Show, honouring: Receiver, tag: int) -> None:
    packet = dated(NOON_S, ("/walk/jitter", 0.25))
    honouring.receive(packet[:8] + tag.to_bytes(8, "big") + packet[16:], HERE, 100.0)
    show.settle()
    assert show["/walk/jitter"] == 0.25


def test_a_clock_that_is_set_moves_nothing_that_waits(show: Show, honouring: Receiver, clock: Clock) -> None:
    honouring.receive(dated(NOON_S + 2.0, ("/walk/jitter", 0.25)), HERE, 100.0)
    for clock.now_s in (NOON_S + 3600.0, NOON_S - 3600.0):
        honouring.due(101.9)
        assert honouring.next_due_s == pytest.approx(102.0, abs=1e-3)
    honouring.due(102.1)
    show.settle()
    assert show["/walk/jitter"] == 0.25


def test_what_is_dated_too_far_ahead_is_refused(show: Show, honouring: Receiver, said: list[str]) -> None:
    packet = dated(NOON_S + 10.5, ("/walk/jitter", 0.25))
    honouring.receive(packet, HERE, 100.0)
    honouring.receive(packet[:8] + b"\xff" * 8 + packet[16:], HERE, 100.0)
    honouring.due(101.0)  # when the second refusal is told
    assert honouring.next_due_s == float("inf")
    assert honouring.counts["too_far_ahead"] == 2
    assert "expected a time tag at most 10 s ahead; got 10.500 s for /walk/jitter" in said[0]


def test_what_waits_is_bounded(show: Show, honouring: Receiver) -> None:
    for number in range(3000):
        honouring.receive(dated(NOON_S + 5.0 + number / 1000, ("/walk/jitter", number / 3000)), HERE, 100.0)
    assert honouring.figures()["osc_waiting"] == 1024
    assert honouring.counts["too_many_waiting"] == 3000 - 1024
    honouring.receive(dated(NOON_S, ("/walk/jitter", 0.125)), HERE, 100.0)  # faders are not held up by what waits
    show.settle()
    assert show["/walk/jitter"] == 0.125


def test_what_waits_comes_in_the_order_of_its_tags_then_of_its_arrival(show: Show, honouring: Receiver) -> None:
    for ahead_s, value in ((3.0, 0.75), (1.0, 0.125), (2.0, 0.25), (3.0, 0.875)):
        honouring.receive(dated(NOON_S + ahead_s, ("/walk/jitter", value)), HERE, 100.0)
    for now_s, expected in ((101.5, 0.125), (102.5, 0.25), (103.5, 0.875)):
        honouring.due(now_s)
        show.settle()
        assert show["/walk/jitter"] == expected


def test_questions_do_not_wait(show: Show, honouring: Receiver) -> None:
    answers = honouring.receive(dated(NOON_S + 5.0, ("/walk/jitter",), ("/list",)), HERE, 100.0)
    assert [OscMessage(answer).address for answer in answers] == ["/walk/jitter", "/list", "/list/end"]
    honouring.receive(dated(NOON_S + 5.0, ("/walk/jitter", "x"), ("/nowhere", 1)), HERE, 100.0)
    honouring.due(106.0)
    assert (honouring.counts["bad_value"], honouring.counts["unknown_address"]) == (1, 1)


def test_the_innermost_bundle_says_when(show: Show, honouring: Receiver) -> None:
    outer = OscBundleBuilder(NOON_S + 4.0)
    inner = OscBundleBuilder(NOON_S + 2.0)
    inner.add_content(build_msg("/walk/jitter", 0.25))
    outer.add_content(inner.build())
    outer.add_content(build_msg("/macro/1", 0.25))
    honouring.receive(outer.build().dgram, HERE, 100.0)
    honouring.due(102.1)
    show.settle()
    assert (show["/walk/jitter"], show["/macro/1"]) == (0.25, 0.5)
    honouring.due(104.1)
    show.settle()
    assert show["/macro/1"] == 0.25
