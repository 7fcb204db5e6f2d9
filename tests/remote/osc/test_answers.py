"""What OSC messages that ask are answered from a real parameter tree: packets built by python-osc, no sockets."""

import pytest
from osc_messages import HERE, tell
from playing import Show, Walk
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from engine.remote.osc.receiver import ANSWERS, Receiver
from engine.remote.osc.replies import telling


def test_a_message_without_arguments_is_answered_with_the_value(show: Show, receiver: Receiver) -> None:
    tell(receiver, "/walk/z", 0.5, -0.5)
    tell(receiver, "/freeze", True)
    tell(receiver, "/walk/rate", 10.0)
    show.settle()
    show.tree.target("/walk/jitter").offset = 0.25
    show.tree.route((show.tree.target("/walk/jitter"),))
    show.settle()
    asked = (
        "/walk/jitter",
        "/value/walk/jitter",
        "/walk/steps",
        "/walk/shape",
        "/freeze",
        "/walk/z",
        "/n/walk/rate",
        "/n/freeze",
    )
    assert [tell(receiver, address) for address in asked] == [
        [("/walk/jitter", [0.5])],  # what the hand set ...
        [("/value/walk/jitter", [0.75])],  # ... and what is in force with the sound's share
        [("/walk/steps", [4])],
        [("/walk/shape", ["sine"])],
        [("/freeze", [1])],
        [("/walk/z", [0.5, -0.5])],
        [("/n/walk/rate", [1.0])],
        [("/n/freeze", [1.0])],
    ]
    assert tell(receiver, "/n/walk/shape") == []
    assert tell(receiver, "/nowhere") == []
    assert (receiver.counts["bad_value"], receiver.counts["unknown_address"]) == (1, 1)


def test_patterns_set_and_ask_all_that_they_match(show: Show, receiver: Receiver) -> None:
    tell(receiver, "/macro/[1-4]", 0.25)
    tell(receiver, "/n/macro/{7,8}", 1.0)
    show.settle()
    expected = [0.25] * 4 + [0.5] * 2 + [1.0] * 2
    assert [show[f"/macro/{number}"] for number in range(1, 9)] == expected
    assert sorted(tell(receiver, "/macro/*")) == [(f"/macro/{number}", [expected[number - 1]]) for number in range(1, 9)]
    assert sorted(tell(receiver, "/value/macro/[78]")) == [("/value/macro/7", [1.0]), ("/value/macro/8", [1.0])]
    asked = dict(tell(receiver, "/n/walk/*"))
    assert asked == {"/n/walk/jitter": [0.5], "/n/walk/rate": [0.5], "/n/walk/steps": [pytest.approx(0.2)]}


def test_a_pattern_that_asks_fires_nothing_and_one_that_sets_skips_what_does_not_take_it(show: Show, receiver: Receiver) -> None:
    tell(receiver, "/*")
    tell(receiver, "/walk/*")
    show.settle()
    assert show.changes == []
    tell(receiver, "/walk/{jitter,shape,step}", 0.75)
    show.settle()
    assert (show["/walk/jitter"], show["/walk/shape"], show.fired("/walk/step")) == (0.75, "sine", 1)
    assert receiver.counts["bad_value"] == 1


def test_answers_to_one_packet_are_bounded_and_what_it_sets_is_not_lost(show: Show, receiver: Receiver) -> None:
    bundle = OscBundleBuilder(1)
    for _ in range(100):
        bundle.add_content(build_msg("/macro/*", []))
    bundle.add_content(build_msg("/walk/jitter", 0.25))
    assert len(receiver.receive(bundle.build().dgram, HERE, 1.0)) == ANSWERS
    show.settle()
    assert show["/walk/jitter"] == 0.25
    assert receiver.counts["too_many_answers"] == 1


def test_the_addresses_are_listed(show: Show, receiver: Receiver) -> None:
    *parts, end = tell(receiver, "/list", "/macro")
    assert parts == [("/list", [f"/macro/{number}" for number in range(1, 9)])]
    assert end == ("/list/end", [8])
    show.tree.attach("classes", {f"class-{number}": Walk().leaves["jitter"] for number in range(200)})
    *parts, end = tell(receiver, "/list")
    assert [address for _, listed in parts for address in listed] == sorted(show.tree.leaves())
    assert end == ("/list/end", [len(show.tree)])
    assert max(len(listed) for _, listed in parts) == 60
    assert tell(receiver, "/list", "/mac") == [("/list/end", [0])]
    assert tell(receiver, "/list", 3) == []
    assert receiver.counts["bad_value"] == 1


def test_what_is_no_parameter_is_answered_by_whoever_took_the_address(receiver: Receiver) -> None:
    asked: list[object] = []

    def subscribe(arguments: object, sender: object, now_s: float) -> None:
        asked.append((arguments, sender))
        raise ValueError("expected another port; got 0")

    receiver.handlers["/subscribe"] = subscribe
    receiver.handlers["/status"] = telling(lambda: {"display_fps": 60.0, "patch": "first-light", **receiver.figures()})
    assert tell(receiver, "/subscribe", "beat", 0) == []
    assert asked == [(("beat", 0), HERE)]
    assert receiver.counts["bad_value"] == 1
    told = dict(tell(receiver, "/status"))
    assert told["/status/display_fps"] == [60.0]
    assert told["/status/patch"] == ["first-light"]
    assert told["/status/osc_messages"] == [2.0]
    assert told["/status/osc_bad_value"] == [1.0]
