"""Packets as no receiver wants them: ordinary ones made by python-osc, the same broken at random, and hostile ones.

`python -m tools.fuzz_osc`, the tests and the benchmark draw from here, so that all speak of the same packets.
"""

import itertools
import random
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder, build_msg

from engine.remote.osc.packet import IMMEDIATELY as IMMEDIATE
from engine.remote.osc.packet import MAX_BYTES, MAX_DEPTH, PacketError, parse

ORDINARY = 0.2  # share of packets left as they are
HOSTILE = 0.05  # share built to hurt
BIN_US = 0.1
BINS = 20_000  # up to 2 ms; what takes longer is counted in the last

Mutation = Callable[[random.Random, bytearray], None]


@dataclass
class Timing:
    """How long calls took: a histogram of `BIN_US` wide bins."""

    counts: list[int] = field(default_factory=lambda: [0] * BINS)
    total: int = 0
    most_us: float = 0.0

    def add(self, took_us: float) -> None:
        """Count one call."""
        self.counts[min(int(took_us / BIN_US), BINS - 1)] += 1
        self.total += 1
        if took_us > self.most_us:
            self.most_us = took_us

    def quantile_us(self, share: float) -> float:
        """The upper edge of the bin below which `share` of 0..1 of the calls lie, or the longest call if that is less."""
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if seen >= share * self.total:
                return min((index + 1) * BIN_US, self.most_us) if index < BINS - 1 else self.most_us
        return self.most_us

    def histogram(self) -> dict[str, int]:
        """Count by lower edge of the bin in microseconds; empty bins are left out."""
        return {f"{index * BIN_US:.1f}": count for index, count in enumerate(self.counts) if count}


@dataclass
class Trial:
    """What became of many packets. `same` times one ordinary packet, parsed after each: what the machine itself adds."""

    packets: int = 0
    refused: int = 0
    uncaught: list[str] = field(default_factory=list)
    timing: Timing = field(default_factory=Timing)
    same: Timing = field(default_factory=Timing)


def trial(packets: int, seed: int, clock: Callable[[], int] = time.perf_counter_ns) -> Trial:
    """Parse `packets` of the packets that `seed` gives, one by one, and time each in `clock`'s nanoseconds.

    Only PacketError counts as refusal. time.thread_time_ns as `clock` leaves out what other processes took meanwhile.
    """
    result = Trial()
    same = build_msg("/walk/jitter", [0.25]).dgram
    for packet in itertools.islice(endless(seed), packets):
        began_ns = clock()
        try:
            parse(packet)
        except PacketError:
            result.refused += 1
        except Exception as error:
            result.uncaught.append(f"{error!r} from {packet[:256].hex()}")
        result.timing.add((clock() - began_ns) / 1e3)
        began_ns = clock()
        parse(same)
        result.same.add((clock() - began_ns) / 1e3)
        result.packets += 1
    return result


def endless(seed: int) -> Iterator[bytes]:
    """Packets without end, the same for the same seed."""
    rng = random.Random(seed)
    good = corpus()
    while True:
        kind = rng.random()
        if kind < HOSTILE:
            yield rng.choice(_HOSTILE)(rng)
            continue
        packet = rng.choice(good)
        if kind < HOSTILE + ORDINARY:
            yield packet
            continue
        data = bytearray(packet)
        for _ in range(rng.randint(1, 4)):
            rng.choice(_MUTATIONS)(rng, data)
        yield bytes(data)


def corpus() -> list[bytes]:
    """Ordinary packets of every kind: what mixers, hosts and scripts send."""
    messages = [
        build_msg("/walk/jitter", [0.5]).dgram,
        build_msg("/n/classes/mountain", [0.25]).dgram,
        build_msg("/macro/3", [1]).dgram,
        build_msg("/panic", []).dgram,
        build_msg("/freeze", [True]).dgram,
        build_msg("/blackout", [False, None]).dgram,
        build_msg("/patch/load", ["neon"]).dgram,
        build_msg("/latent/z", [index / 128 for index in range(128)]).dgram,
        build_msg("/latent/z", [struct.pack(">128f", *range(128))]).dgram,
        build_msg("/subscribe", ["features", "beat", 9001, 30.0]).dgram,
        build_msg("/ns/numbers", [1, 2.5, "three", b"four!", 5, 6.0]).dgram,
        build_msg("/array", [[0.1, 0.2, [0.3]], 4]).dgram,
        build_msg("/midi", [(0, 144, 60, 100)]).dgram,
        build_msg("/{walk,mix}/[a-k]*", [0.1]).dgram,
        _typed("/wide", ("h", -(2**40)), ("d", 0.1), ("r", 0x11223344), ("N", None)).dgram,
        b"/old/sender\0",
        b"/more\0\0\0,tScI\0\0\0" + struct.pack(">Q", 7 << 32) + b"sym\0" + struct.pack(">I", 65),
    ]
    return messages + [_nested(depth) for depth in range(1, MAX_DEPTH + 1)]


def nest(depth: int) -> bytes:
    """`depth` bundles, one in the other, around one message; written from the inside out, without recursion."""
    message = build_msg("/macro/1", [0.5]).dgram
    heads = [b"#bundle\0" + struct.pack(">Qi", IMMEDIATE, len(message) + 20 * inner) for inner in reversed(range(depth))]
    return b"".join(heads) + message


def _typed(address: str, *arguments: tuple[str, Any]) -> OscMessage:
    builder = OscMessageBuilder(address)
    for tag, value in arguments:
        builder.add_arg(value, tag)
    return builder.build()


def _nested(depth: int) -> bytes:
    """`depth` bundles within each other, with a message before and after each."""
    packet: OscMessage | OscBundle = _typed("/macro/1", ("f", 0.5))
    for level in range(depth):
        builder = OscBundleBuilder(IMMEDIATELY if level % 2 else 1_600_000_000)
        for content in (_typed("/walk/speed", ("f", level / 8)), packet, _typed("/freeze", ("T", True))):
            builder.add_content(content)
        packet = builder.build()
    return bytes(packet.dgram)


def _place(rng: random.Random, data: bytearray) -> int:
    return int(rng.random() * (len(data) + 1))


def _flip(rng: random.Random, data: bytearray) -> None:
    if data:
        data[int(rng.random() * len(data))] ^= 1 << int(rng.random() * 8)


def _overwrite(rng: random.Random, data: bytearray) -> None:
    if data:
        data[int(rng.random() * len(data))] = rng.choice(b"\0\x01\x7f\x80\xff,/#[]{}*?!-fisbT")


def _cut(rng: random.Random, data: bytearray) -> None:
    del data[_place(rng, data) :]


def _remove(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 2, 3, 4, 8, 16))]


def _insert(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 3, 4, 8)))


def _swap(rng: random.Random, data: bytearray) -> None:
    at, other = sorted((_place(rng, data) & ~3, _place(rng, data) & ~3))
    words = data[at : at + 4], data[other : other + 4]
    data[other : other + 4], data[at : at + 4] = words


def _repeat(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data) & ~3
    piece = data[at : at + 4 * rng.randint(1, 8)]
    data[at:at] = piece * rng.randint(1, 8)


def _length(rng: random.Random, data: bytearray) -> None:
    """Write over a word, which may be the size of an element or a blob."""
    at = _place(rng, data) & ~3
    size = rng.choice((-(2**31), -4, -1, 0, 1, 3, 4, 8, 16, len(data), len(data) + 4, 65_536, 2**31 - 1))
    data[at : at + 4] = struct.pack(">i", size)


def _tags(rng: random.Random, data: bytearray) -> None:
    """Write other type tags over those that are there."""
    at = data.find(b",")
    if at >= 0:
        for place in range(at + 1, min(at + 1 + rng.randint(1, 8), len(data))):
            data[place] = rng.choice(b"ifsbhdtTFNIScrm[]x\0")


def _pad(rng: random.Random, data: bytearray) -> None:
    """Whole words again, so that what is wrong further in is reached."""
    data.extend(bytes(-len(data) % 4))


def _hostile_bundles(rng: random.Random) -> bytes:
    return nest(rng.randint(1, 3_000))


def _hostile_tags(rng: random.Random) -> bytes:
    """A long line of type tags with nothing behind it."""
    tags = b"," + bytes(rng.choices(b"ifsbhdtTFNI[]", k=rng.randint(1, 60))) * rng.choice((1, 1_000))
    return b"/x\0\0" + tags + bytes(4 - len(tags) % 4)


def _hostile_arrays(rng: random.Random) -> bytes:
    depth = rng.randint(1, 4_000)
    tags = b"," + b"[" * depth + b"]" * rng.choice((0, depth, depth + 1))
    return b"/x\0\0" + tags + bytes(4 - len(tags) % 4)


def _hostile_address(rng: random.Random) -> bytes:
    address = b"/" + rng.choice((b"*", b"[a-z]", b"{a,b}", b"x", b"/")) * rng.randint(1, 5_000)
    return address + bytes(4 - len(address) % 4) + b",f\0\0" + struct.pack(">f", 0.5)


def _hostile_size(rng: random.Random) -> bytes:
    """As large as a datagram can be, and all noise behind an honest beginning."""
    return (rng.choice((b"/x\0\0,b\0\0", b"#bundle\0", b"/")) + rng.randbytes(64) * (MAX_BYTES // 64))[: MAX_BYTES & ~3]


def _hostile_sizes(rng: random.Random) -> bytes:
    """A bundle of messages that are too short to be any."""
    count = rng.randint(1, 1_000)
    return b"#bundle\0" + bytes(8) + struct.pack(">i4s", 4, rng.choice((b"/\0\0x", b"////", b"\0\0\0\0"))) * count


_MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _overwrite, _cut, _remove, _insert, _swap, _repeat, _length, _tags, _pad, _pad)
_HOSTILE = (_hostile_bundles, _hostile_tags, _hostile_arrays, _hostile_address, _hostile_size, _hostile_sizes)
