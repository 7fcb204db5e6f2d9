import math
import random
import struct
import time

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg

from engine.bench.osc_mutations import corpus, nest
from engine.remote.osc import packet
from engine.remote.osc.packet import (
    MAX_ARGUMENTS,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_MESSAGES,
    Colour,
    Message,
    PacketError,
    TimeTag,
    parse,
)


def bundle(*elements: bytes, time_tag: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", time_tag) + b"".join(struct.pack(">i", len(item)) + item for item in elements)


def typed(*arguments: tuple[str, object]) -> bytes:
    builder = OscMessageBuilder("/any/thing")
    for tag, value in arguments:
        builder.add_arg(value, tag)
    return builder.build().dgram


def test_a_fader():
    assert parse(build_msg("/walk/jitter", [0.25]).dgram) == (Message("/walk/jitter", (0.25,), None),)


def test_a_message_without_arguments_and_one_without_type_tags():
    assert parse(b"/panic\0\0,\0\0\0") == (Message("/panic", (), None),)
    assert parse(b"/panic\0\0") == (Message("/panic", (), None),)


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("i", [0, 1, -1, 2**31 - 1, -(2**31)]),
        ("h", [0, 2**63 - 1, -(2**63)]),
        ("f", [0.0, -0.5, 1e30, math.inf]),
        ("d", [0.1, -1e300]),
        ("s", ["", "a", "abc", "abcd", "größe", "x" * 300]),
        ("b", [b"a", b"abcd", bytes(range(256))]),
        ("m", [(0, 144, 60, 127), (1, 176, 255, 0)]),
        ("T", [True]),
        ("F", [False]),
        ("N", [None]),
    ],
)
def test_every_type_comes_back_as_python_osc_wrote_it(tag, values):
    for value in values:
        [(_, arguments, _)] = parse(typed((tag, value)))
        assert arguments == (pytest.approx(value, rel=1e-6) if tag == "f" else value,)
        assert type(arguments[0]) is type(value)


def test_types_that_python_osc_does_not_write():
    assert parse(b"/x\0\0,t\0\0" + struct.pack(">Q", 2**63 + 5))[0].arguments == (TimeTag(2**63 + 5),)
    assert parse(typed(("r", 0xFF8040FE)))[0].arguments == (Colour(255, 128, 64, 254),)
    assert parse(b"/x\0\0,S\0\0sym\0")[0].arguments == ("sym",)
    assert parse(b"/x\0\0,c\0\0\0\0\0A")[0].arguments == ("A",)
    assert parse(b"/x\0\0,I\0\0")[0].arguments == (True,)
    assert parse(b"/x\0\0,b\0\0\0\0\0\0")[0].arguments == (b"",)


def test_random_messages_of_all_types_come_back():
    rng = random.Random(3)
    makers = {
        "i": lambda: rng.randint(-(2**31), 2**31 - 1),
        "h": lambda: rng.randint(-(2**63), 2**63 - 1),
        "f": lambda: struct.unpack(">f", struct.pack(">f", rng.gauss(0, 100)))[0],
        "d": lambda: rng.gauss(0, 100),
        "s": lambda: "".join(rng.choices("abc /*é", k=rng.randint(0, 9))),
        "b": lambda: rng.randbytes(rng.randint(1, 9)),
        "m": lambda: tuple(rng.randbytes(4)),
        "T": lambda: True,
        "F": lambda: False,
        "N": lambda: None,
    }
    for _ in range(2_000):
        tags = rng.choices(list(makers), k=rng.randint(0, 12))
        values = tuple(makers[tag]() for tag in tags)
        assert parse(typed(*zip(tags, values, strict=True))) == (Message("/any/thing", values, None),)


def test_arrays_are_read_as_if_there_were_no_brackets():
    assert parse(build_msg("/z", [[1, [2.0, "a"]], 3]).dgram)[0].arguments == (1, 2.0, "a", 3)
    assert parse(b"/z\0\0,[]\0")[0].arguments == ()
    assert parse(b"/z\0\0,[[[[[[[[i]]]]]]]]\0\0" + struct.pack(">i", 5))[0].arguments == (5,)


def test_a_vector_of_many_floats():
    values = tuple(float(index) for index in range(512))
    assert parse(build_msg("/latent/z", values).dgram)[0].arguments == values


def test_nan_and_infinity_are_left_to_the_parameter():
    [nan, inf] = parse(b"/x\0\0,ff\0" + struct.pack(">ff", math.nan, math.inf))[0].arguments
    assert math.isnan(nan)
    assert inf == math.inf


def test_bundles_give_their_messages_in_order_with_the_time_of_the_innermost():
    inner = OscBundleBuilder(1_600_000_000)
    inner.add_content(build_msg("/b", [2]))
    outer = OscBundleBuilder(IMMEDIATELY)
    for content in (build_msg("/a", [1]), inner.build(), build_msg("/c", [3])):
        outer.add_content(content)
    [first, second, third] = parse(outer.build().dgram)
    assert (first, third) == (Message("/a", (1,), None), Message("/c", (3,), None))
    assert second.address == "/b"
    assert second.time_tag == (1_600_000_000 + 2_208_988_800) << 32


def test_time_tags_of_long_ago_are_given_as_they_are_and_an_empty_bundle_holds_nothing():
    assert parse(bundle(b"/a\0\0", time_tag=0))[0].time_tag == 0
    assert parse(bundle(b"/a\0\0", time_tag=2**64 - 1))[0].time_tag == 2**64 - 1
    assert parse(bundle()) == ()


MESSAGE = b"/ab\0,f\0\0" + struct.pack(">f", 0.5)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "expected a packet of 4, 8, 12 ... 65507 bytes; got 0"),
        (b"/ab", "; got 3"),
        (bytes(MAX_BYTES + 1), "; got 65508"),
        (b"walk\0\0\0\0", "expected a message or a bundle"),
        (b"\0\0\0\0", "expected a message or a bundle"),
        (b"#bundlX\0" + bytes(8), "expected a message or a bundle"),
        (b"/abc", "expected an address ended by a zero"),
        (b"/a\0x", "expected an address padded with zeros"),
        (b"/" + b"a" * 255 + bytes(4), "expected an address of at most 255 characters; got 256"),
        (b"/" + b"a" * 5003, "expected an address ended by a zero"),
        ("/größe\0\0\0\0".encode(), "expected an ASCII address"),
        (b"/a\n\0", "expected an address of printable characters"),
        (b"/a\0\0f\0\0\0", "expected type tags that begin with a comma after /a"),
        (b"/a\0\0\0\0\0\0", "expected type tags that begin with a comma"),
        (b"/a\0\0,fff", "expected type tags ended by a zero"),
        (b"/a\0\0,N\0x", "expected type tags padded with zeros"),
        (b"/a\0\0,x\0\0", "expected type tags of .*; got b'x'"),
        (b"/a\0\0,f\0\0", "expected 4 bytes of arguments; got 0"),  # python-osc reads this as 0.0
        (b"/a\0\0," + b"if" * 50 + bytes(3) + bytes(396), "expected at least 400 bytes of arguments; got 396"),
        (b"/a\0\0,d\0\0\0\0\0\0", "expected 8 bytes of arguments; got 4"),
        (b"/a\0\0,sd\0abc\0\0\0\0\0", "expected 8 bytes of an argument of type d; got 4"),
        (b"/a\0\0,sb\0abcdefg\0", "expected at least 4 bytes of an argument of type b; got 0"),
        (b"/a\0\0,sm\0abcdefg\0", "expected at least 4 bytes of an argument of type m; got 0"),
        (MESSAGE + bytes(4), "expected 4 bytes of arguments; got 8"),
        (b"/a\0\0,s\0\0abc\0\0\0\0\0", "expected the packet's end after the last argument; got 4 more bytes"),
        (b"/a\0\0,T\0\0\0\0\0\0", "expected 0 bytes of arguments; got 4"),
        (b"/a\0\0\0", "; got 5"),
        (b"/a\0\0,s\0\0abcd", "expected a string ended by a zero"),
        (b"/a\0\0,s\0\0ab\0x", "expected a string padded with zeros"),
        (b"/a\0\0,s\0\0\xff\xfe\0\0", "expected a string in UTF-8"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "expected a blob of 0 to 0 bytes; got the size -1"),
        (b"/a\0\0,b\0\0\0\0\0\x05abcd", "expected a blob of 0 to 4 bytes; got the size 5"),
        (b"/a\0\0,b\0\0\0\0\0\x03abcd", "expected a blob padded with zeros"),
        (b"/a\0\0,c\0\0\0\0\1\0", "expected an ASCII character; got the number 256"),
        (b"/a\0\0,[f\0" + bytes(4), "expected arrays that are closed"),
        (b"/a\0\0,f]\0" + bytes(4), "expected arrays that are closed"),
        (b"/a\0\0,][\0", "expected arrays that are closed"),
        (b"/a\0\0,[[[[[[[[[]]]]]]]]]\0", "nested at most 8 deep"),
        (b"#bundle\0", "expected a bundle of at least 16 bytes; got 8"),
        (bundle() + b"\0\0\0\0", "expected a bundle element of 4, 8, 12 ... 0 bytes; got the size 0"),
        (bundle() + struct.pack(">i", 4), "expected a bundle element"),
        (bundle() + struct.pack(">i", -4) + MESSAGE, "got the size -4"),
        (bundle() + struct.pack(">i", 3) + MESSAGE, "got the size 3"),
        (bundle() + struct.pack(">i", 2**31 - 1) + MESSAGE, "got the size 2147483647"),
        (bundle() + struct.pack(">i", 8) + MESSAGE, "expected 4 bytes of arguments; got 0"),
        (bundle(MESSAGE, b"walk"), "expected a message or a bundle"),
        (bundle(b"#bundle\0"), "expected a bundle of at least 16 bytes"),
        (bundle(MESSAGE, b"#bun") + b"dle\0", "expected a bundle"),
        (bundle(MESSAGE, MESSAGE[:-4]), "expected 4 bytes of arguments; got 0"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(data, says):
    with pytest.raises(PacketError, match=says.replace("+", r"\+")):
        parse(data)


def test_an_ordinary_packet_cut_anywhere_is_never_read_as_something_else():
    for whole in corpus():
        if whole.startswith(b"#bundle"):
            continue  # a bundle cut between two elements is a shorter bundle
        for length in range(len(whole)):
            try:
                [(address, arguments, _)] = parse(whole[:length])
            except PacketError:
                continue
            assert whole.startswith(address.encode() + b"\0")  # only the old form without type tags is left of it
            assert arguments == ()


@pytest.mark.parametrize("depth", [1, MAX_DEPTH])
def test_bundles_within_bundles(depth):
    assert parse(nest(depth)) == (Message("/macro/1", (0.5,), None),)


def test_bundles_nested_deeper_are_refused_at_no_cost():
    for depth in (*range(MAX_DEPTH + 1, 200), 1_000, 3_000, 5_000):
        data = nest(depth)
        began = time.thread_time()
        with pytest.raises(PacketError, match="nested at most 8" if len(data) <= MAX_BYTES else "65507"):
            parse(data)
        assert time.thread_time() - began < 0.1  # 4 us where nobody else works


def test_more_messages_or_arguments_than_one_packet_may_hold():
    assert len(parse(bundle(*[b"/x\0\0"] * MAX_MESSAGES))) == MAX_MESSAGES
    with pytest.raises(PacketError, match="at most 4096 messages"):
        parse(bundle(*[b"/x\0\0"] * (MAX_MESSAGES + 1)))
    full = b"/x\0\0," + b"T" * MAX_ARGUMENTS + bytes(3)
    assert len(parse(full)[0].arguments) == MAX_ARGUMENTS
    with pytest.raises(PacketError, match="at most 4096 type tags; got 4097"):
        parse(b"/x\0\0," + b"T" * (MAX_ARGUMENTS + 1) + bytes(2))
    with pytest.raises(PacketError, match="4096 arguments in a packet"):
        parse(bundle(full, b"/x\0\0,T\0\0"))
    with pytest.raises(PacketError, match="4096 arguments in a packet"):
        parse(bundle(bundle(full), bundle(b"/x\0\0,T\0\0")))


def test_many_kinds_of_type_tags_do_not_pile_up():
    rng = random.Random(1)
    for _ in range(5_000):
        tags = bytes(rng.choices(b"ifTF", k=rng.randint(1, 30)))
        parse(b"/x\0\0," + tags + bytes(4 - (len(tags) + 1) % 4) + bytes(4 * sum(tag in b"if" for tag in tags)))
        assert len(packet._shapes) <= packet.MAX_SHAPES
