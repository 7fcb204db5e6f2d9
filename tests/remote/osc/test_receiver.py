"""What OSC messages do to a real parameter tree: packets built by python-osc, no sockets."""

import itertools
import math
import struct
import time

import pytest
from osc_messages import HERE, message, tell
from playing import Show, Walk
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from engine.bench.osc_mutations import endless
from engine.control.pair_table import PairSpec, pair_addresses
from engine.remote.osc.errors import KINDS
from engine.remote.osc.receiver import Receiver


@pytest.mark.parametrize(
    ("address", "arguments", "tags", "expected"),
    [
        ("/walk/jitter", (0.25,), "f", 0.25),
        ("/walk/jitter", (0.25,), "d", 0.25),
        ("/walk/jitter", (1,), "i", 1.0),
        ("/walk/jitter", (1,), "h", 1.0),
        ("/walk/jitter", (True,), "T", 1.0),
        ("/walk/jitter", (-0.0,), "f", 0.0),
        ("/walk/jitter", (7.0,), "f", 1.0),  # held at the end of the range
        ("/walk/jitter", (2**62,), "h", 1.0),
        ("/walk/steps", (7,), "i", 7),
        ("/walk/steps", (6.6,), "f", 7),
        ("/walk/shape", ("saw",), "s", "saw"),
        ("/freeze", (1,), "i", True),
        ("/freeze", (0.6,), "f", True),
        ("/freeze", (True,), "T", True),
        ("/patch/load", ("deep-music",), "s", "deep-music"),
        ("/walk/z", (0.5, -0.5, 1.0), "fff", (0.5, -0.5, 1.0)),
        ("/walk/z", (1, 0.5), "if", (1.0, 0.5)),
        ("/walk/z", (struct.pack(">3f", 0.5, -0.5, 9.0),), "b", (0.5, -0.5, 4.0)),
        ("/walk/w", (0.5, -0.5), "ff", (0.5, -0.5)),
        ("/walk/w", (bytes(4 * 2048),), "b", (0.0,) * 2048),  # it says how many it takes
        ("/n/walk/rate", (0.5,), "f", 1.0),  # the middle of 0.1..10 on an exponential curve
        ("/n/walk/steps", (1,), "i", 16),
        ("/n/freeze", (True,), "T", True),
    ],
)
def test_every_kind_takes_what_hosts_send(
    show: Show, receiver: Receiver, address: str, arguments: tuple[object, ...], tags: str, expected: object
) -> None:
    for _ in range(2):  # the second is recognised by its bytes
        assert tell(receiver, address, *arguments, tags=tags) == []
        show.settle()
        value = show[address.removeprefix("/n")]
        assert value == pytest.approx(expected) if isinstance(expected, float) else value == expected
    assert type(value) is type(expected)
    assert sum(receiver.counts.values()) == 0


@pytest.mark.parametrize(
    ("address", "arguments", "tags", "reason"),
    [
        ("/walk/jitter", (math.nan,), "f", "bad_value"),
        ("/walk/jitter", (math.inf,), "f", "bad_value"),
        ("/walk/jitter", (-math.inf,), "d", "bad_value"),
        ("/walk/jitter", ("0.3",), "s", "bad_value"),
        ("/walk/jitter", (None,), "N", "bad_value"),
        ("/walk/jitter", (struct.pack(">f", 0.3),), "b", "bad_value"),
        ("/walk/jitter", (0.3, 0.3), "ff", "bad_value"),
        ("/walk/jitter", (0.3,) * 1000, "f" * 1000, "bad_value"),
        ("/walk/z", (math.nan, 0.0), "ff", "bad_value"),
        ("/walk/z", (0.3,) * 1025, "f" * 1025, "bad_value"),
        ("/walk/z", (struct.pack(">2f", 0.5, math.nan),), "b", "bad_value"),
        ("/walk/z", (b"\0\0\0",), "b", "bad_value"),
        ("/walk/z", (bytes(4 * 1025),), "b", "bad_value"),
        ("/walk/z", ("a",), "s", "bad_value"),
        ("/walk/w", (0.5,), "f", "bad_value"),
        ("/walk/w", (0.5,) * 4, "ffff", "bad_value"),
        ("/walk/w", (bytes(4 * 2049),), "b", "bad_value"),
        ("/walk/shape", ("square",), "s", "bad_value"),
        ("/walk/shape", (1,), "i", "bad_value"),
        ("/patch/load", ("x" * 1025,), "s", "bad_value"),
        ("/freeze", ("on",), "s", "bad_value"),
        ("/n/walk/jitter", ("0.3",), "s", "bad_value"),
        ("/n/walk/jitter", (math.nan,), "f", "bad_value"),
        ("/n/walk/shape", (0.5,), "f", "bad_value"),
        ("/n/panic", (1.0,), "f", "bad_value"),
        ("/value/walk/jitter", (0.3,), "f", "bad_value"),
        ("/walk/jittter", (0.3,), "f", "unknown_address"),
        ("/n/nowhere", (0.3,), "f", "unknown_address"),
        ("/walk", (0.3,), "f", "unknown_address"),
        ("/nowhere/*", (0.3,), "f", "unknown_address"),
        ("/walk/[", (0.3,), "f", "malformed"),
    ],
)
def test_what_cannot_be_taken_changes_nothing_and_is_counted(
    show: Show, receiver: Receiver, said: list[str], address: str, arguments: tuple[object, ...], tags: str, reason: str
) -> None:
    before = {address: leaf.base for address, leaf in show.tree.leaves().items()}
    assert tell(receiver, address, *arguments, tags=tags) == []
    show.settle()
    assert {address: leaf.base for address, leaf in show.tree.leaves().items()} == before
    assert show.changes == []
    assert {name: count for name, count in receiver.counts.items() if count} == {reason: 1}
    assert len(said) == 1
    assert said[0].startswith("OSC from 127.0.0.1:50000: expected ")
    assert "; got " in said[0]
    leaf = show.tree.leaves().get(address.removeprefix("/n"))
    assert ("; kept " in said[0]) == (leaf is None or leaf.param.holds)


def test_what_holds_no_value_has_none_to_keep(receiver: Receiver, said: list[str]) -> None:
    tell(receiver, "/panic", "now", tags="s")
    assert said == ["OSC from 127.0.0.1:50000: expected trigger for panic; got 'now'"]


def test_no_numbers_are_no_vector_of_a_given_length(show: Show, receiver: Receiver) -> None:
    empty = b"/walk/w\0,b\0\0\0\0\0\0"  # which python-osc does not build
    receiver.receive(message("/walk/w", 0.5, -0.5), HERE, time.monotonic())
    receiver.receive(empty, HERE, time.monotonic())
    show.settle()
    assert show["/walk/w"] == (0.5, -0.5)
    assert receiver.counts["bad_value"] == 1


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0",
        message("/walk/jitter", 0.3)[:-1],
        message("/walk/jitter", 0.3)[:-4],  # python-osc reads this as 0.0
        b"/walk/jitter",
        b"#bundle\0" + bytes(8) + b"\0\0\0\x10/",
        b"\xff" * 65507,
        bytes(65507),
        b"/" * 65504,
        b"/walk/jitter\0\0\0\0,f\0\0" + bytes(65507 - 20),
    ],
)
def test_what_is_not_osc_changes_nothing_and_is_counted(show: Show, receiver: Receiver, packet: bytes) -> None:
    assert receiver.receive(packet, HERE, 1.0) == []
    show.settle()
    assert show.changes == []
    assert receiver.counts["malformed"] == 1


@pytest.mark.parametrize("honour", [False, True])
def test_twenty_thousand_broken_packets_leave_a_tree_that_plays(show: Show, said: list[str], honour: bool) -> None:
    receiver = Receiver(show.tree, honour=honour, say=said.append)
    for number, packet in enumerate(itertools.islice(endless(11), 20_000)):
        for answer in receiver.receive(packet, HERE, number / 1000):
            OscMessage(answer)
        receiver.due(number / 1000)
    assert 0 < receiver.counts["malformed"] < 20_000
    assert len(said) <= 20 * (KINDS + 1)
    receiver.receive(message("/walk/jitter", 0.25), HERE, 100.0)
    show.settle()
    assert show["/walk/jitter"] == 0.25
    assert len(show.changes) > 1  # some were still messages
    for leaf in show.tree.leaves().values():
        assert leaf.param.check(leaf.base) == leaf.base  # of its kind, finite and in range


def test_a_fader_that_is_recognised_by_its_bytes_is_checked_like_any_other(show: Show, receiver: Receiver) -> None:
    tell(receiver, "/walk/jitter", 0.25)
    for wrong in (math.nan, math.inf):
        tell(receiver, "/walk/jitter", wrong, tags="f")
    tell(receiver, "/walk/jitter", 0.75, tags="d")  # whose first half must not be taken for a float
    show.settle()
    assert show["/walk/jitter"] == 0.75
    assert receiver.counts["bad_value"] == 2
    # A 64-bit integer whose upper half reads like a type tag of one float.
    trap = b"/walk/jitter\0\0\0\0,h\0\0" + b",f\0\0" + struct.pack(">f", 0.125)
    for _ in range(2):
        receiver.receive(trap, HERE, 1.0)
    show.settle()
    assert show["/walk/jitter"] == 1.0


def test_a_fader_that_is_recognised_follows_the_patch_that_plays(show: Show, receiver: Receiver) -> None:
    tell(receiver, "/walk/jitter", 0.25)
    show.tree.detach("walk")
    tell(receiver, "/walk/jitter", 0.75)
    assert receiver.counts["unknown_address"] == 1


def test_triggers_fire_once_a_press(show: Show, receiver: Receiver) -> None:
    impulse = b"/walk/step\0\0,I\0\0"
    presses = [message("/walk/step", 1), message("/walk/step", 0.5), message("/walk/step", True), message("/walk/step"), impulse]
    for number, press in enumerate(presses, 1):
        receiver.receive(press, HERE, 1.0)
        for release in (message("/walk/step", 0), message("/walk/step", 0.0), message("/walk/step", False)):
            show.settle()
            receiver.receive(release, HERE, 1.0)
        show.settle()
        assert show.fired("/walk/step") == number
    for arguments, tags in (((None,), "N"), (("1",), "s"), ((-1.0,), "f"), ((math.nan,), "f")):
        tell(receiver, "/walk/step", *arguments, tags=tags)
    show.settle()
    assert show.fired("/walk/step") == len(presses)


@pytest.mark.parametrize(
    "flood",
    [
        [message(f"//*{number}*/*{number}", 0.25) for number in range(3000)],
        [message("//*", 0.25)] * 3000,
        [message("//*")] * 3000,
        [message("/list")] * 3000,
    ],
    ids=["fresh patterns", "one that sets everything", "one that asks for everything", "lists"],
)
def test_what_costs_much_is_held_off_in_a_flood_and_faders_still_work(show: Show, receiver: Receiver, flood: list[bytes]) -> None:
    show.tree.attach("classes", {f"class-{number}": Walk().leaves["jitter"] for number in range(1000)})
    for packet in flood:  # at one and the same moment
        receiver.receive(packet, HERE, 1.0)
    receiver.receive(message("/walk/jitter", 0.25), HERE, 1.0)
    show.settle()
    assert show["/walk/jitter"] == 0.25
    assert receiver.counts["too_much_work"] > 1500
    # Much later: what one pattern owes may hold a collection of garbage, which in a large process takes its time.
    receiver.receive(message("/macro/*", 0.75), HERE, 60.0)
    show.settle()
    assert show["/macro/8"] == 0.75


def test_nested_bundles_are_done_in_order_and_those_nested_too_deep_are_refused(show: Show, receiver: Receiver) -> None:
    inner = OscBundleBuilder(1)
    inner.add_content(build_msg("/walk/jitter", 0.25))
    outer = OscBundleBuilder(1)
    outer.add_content(build_msg("/walk/jitter", 0.125))
    outer.add_content(inner.build())
    receiver.receive(outer.build().dgram, HERE, 1.0)
    show.settle()
    assert show["/walk/jitter"] == 0.25
    packet = message("/walk/jitter", 0.75)
    for _ in range(500):
        packet = b"#bundle\0" + struct.pack(">Qi", 1, len(packet)) + packet
    receiver.receive(packet, HERE, 1.0)
    show.settle()
    assert show["/walk/jitter"] == 0.25
    assert receiver.counts["malformed"] == 1


def test_a_flood_of_refusals_is_one_line_a_second(receiver: Receiver, said: list[str]) -> None:
    for number in range(2500):
        receiver.receive(message("/walk/jitter", math.nan, tags="f"), HERE, number / 1000)
    assert receiver.counts["bad_value"] == 2500
    assert said == [
        "OSC from 127.0.0.1:50000: expected float for jitter; got nan; kept /walk/jitter at 0.5",
        "OSC from 127.0.0.1:50000: expected float for jitter; got nan; kept /walk/jitter at 0.5 (999 times)",
        "OSC from 127.0.0.1:50000: expected float for jitter; got nan; kept /walk/jitter at 0.5 (1000 times)",
    ]


def test_several_refusals_of_a_second_are_listed_with_their_counts(receiver: Receiver, said: list[str]) -> None:
    receiver.receive(message("/nowhere", 1.0), HERE, 1.0)
    for number in range(12):
        receiver.receive(message("/walk/jitter", math.nan, tags="f"), HERE, 1.0 + number / 100)
        receiver.receive(message("/nowhere/else", 0.5), HERE, 1.0 + number / 100)
    for number in range(10):
        receiver.receive(message(f"/gone/{number}", 0.5), HERE, 1.2)
    assert len(said) == 1
    assert receiver.next_due_s <= 2.1
    receiver.due(3.0)
    assert len(said) == 2 + KINDS
    assert said[1].endswith("(12 times)")
    assert "/walk/jitter" in said[1]
    assert said[2].endswith("(12 times)")
    assert "'/nowhere/else'" in said[2]
    assert said[-1] == f"OSC: {10 - (KINDS - 2)} more of other kinds refused"
    assert receiver.next_due_s == math.inf


def bundle(*elements: bytes) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(one)) + one for one in elements)


@pytest.mark.parametrize("bad", [b"/x\0\0,f\0\0", b"/x\0\0,Q\0\0", b"junk", b"/walk/jitter\0\0\0\0,s\0\0\xff\xff\xff\0"])
def test_a_bad_message_costs_its_bundle_nothing_else(show: Show, receiver: Receiver, bad: bytes) -> None:
    inner = bundle(message("/walk/steps", 9), bad, message("/walk/shape", "saw"))
    receiver.receive(bundle(bad, message("/walk/jitter", 0.25), inner, bad, message("/freeze", True)), HERE, 1.0)
    show.settle()
    assert (show["/walk/jitter"], show["/walk/steps"], show["/walk/shape"], show["/freeze"]) == (0.25, 9, "saw", True)
    assert receiver.counts["malformed"] == 3


def test_a_bundle_of_rubbish_is_refused_whole(show: Show, receiver: Receiver) -> None:
    receiver.receive(bundle(message("/walk/jitter", 0.25), *[b"junk"] * 100), HERE, 1.0)
    show.settle()
    assert show["/walk/jitter"] == 0.5


def test_bang_throws_a_switch(show: Show, receiver: Receiver) -> None:
    for on in (True, False):
        for address in ("/freeze", "/record"):
            tell(receiver, address, "bang")
            show.settle()
            assert show[address] is on
    assert sum(receiver.counts.values()) == 0


def test_bang_fires(show: Show, receiver: Receiver) -> None:
    tell(receiver, "/panic", "bang")
    show.settle()
    assert [change.address for change in show.changes] == ["/panic"]
    assert sum(receiver.counts.values()) == 0


@pytest.mark.parametrize(("tag", "raw"), [("r", struct.pack(">I", 0xFFFFFFFF)), ("t", struct.pack(">Q", 2**63))])
def test_a_colour_and_a_time_are_no_numbers(show: Show, receiver: Receiver, tag: str, raw: bytes) -> None:
    for address in ("/walk/jitter", "/walk/steps", "/n/walk/jitter", "/freeze"):
        name = address.encode() + b"\0" * (4 - len(address) % 4)
        receiver.receive(name + f",{tag}\0\0".encode() + raw, HERE, 1.0)
    show.settle()
    assert show.changes == []
    assert receiver.counts["bad_value"] == 4


def test_an_xy_pad_moves_two_parameters(show: Show, receiver: Receiver) -> None:
    receiver.pairs = pair_addresses((PairSpec("sky", "/walk/jitter", "/walk/rate", ()),))
    tell(receiver, "/pair/sky", 0.25, 5.0)
    show.settle()
    assert (show["/walk/jitter"], show["/walk/rate"]) == (0.25, 5.0)
    tell(receiver, "/n/pair/sky", 0.75, 0.5)
    show.settle()
    assert (show["/walk/jitter"], show["/walk/rate"]) == (0.75, pytest.approx(1.0))
    tell(receiver, "/pair/sky/x", 0.1)
    tell(receiver, "/n/pair/sky/y", 1.0)
    show.settle()
    assert (show["/walk/jitter"], show["/walk/rate"]) == (pytest.approx(0.1), 10.0)
    answers = receiver.receive(message("/pair/sky"), HERE, 1.0)
    assert [OscMessage(packet).address for packet in answers] == ["/walk/jitter", "/walk/rate"]
    for wrong in ((0.5,), (0.5, 0.5, 0.5)):
        tell(receiver, "/pair/sky", *wrong)
    assert receiver.counts["bad_value"] == 2


@pytest.mark.parametrize(("number", "tags"), [(3, "i"), (3.0, "f"), (3.0, "d"), (3, "h")])
def test_a_patch_and_a_model_are_called_by_number_too(show: Show, receiver: Receiver, number: float, tags: str) -> None:
    for address in ("/patch/load", "/model/load"):
        tell(receiver, address, number, tags=tags)
        tell(receiver, address, 0, tags="i")  # a button let go
        show.settle()
        assert show[address] == "3"
    assert sum(receiver.counts.values()) == 0


def test_a_line_stays_a_line_whatever_was_sent(receiver: Receiver, said: list[str]) -> None:
    tell(receiver, "/walk/shape", "\n\x1b[2J" + "x" * 60000)
    assert len(said[0]) < 400
    assert said[0].isprintable()
