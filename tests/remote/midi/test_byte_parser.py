import random
import time

import mido
import pytest
from mido.messages.specs import SPECS

from engine.remote.midi.byte_parser import LENGTHS, LONGEST, ByteParser

READ = [spec for spec in SPECS if spec["type"] != "sysex"]


@pytest.mark.parametrize("spec", READ, ids=lambda spec: spec["type"])
def test_every_message_that_mido_knows_comes_through_as_it_is(spec):
    sent = mido.Message(spec["type"])
    assert list(ByteParser().feed(sent.bytes())) == [sent]
    assert LENGTHS[spec["status_byte"]] == spec["length"]


def test_one_packet_may_hold_several_messages():
    sent = [mido.Message("note_on", note=60), mido.Message("control_change", control=1, value=2), mido.Message("clock")]
    assert list(ByteParser().feed([byte for message in sent for byte in message.bytes()])) == sent


def test_a_status_that_repeats_may_be_left_out_in_and_between_packets():
    wire = ByteParser()
    assert [m.note for m in wire.feed([0x90, 60, 1, 62, 1, 64, 1])] == [60, 62, 64]
    assert [m.note for m in wire.feed([65, 1])] == [65]
    assert wire.noise == 0


def test_a_clock_in_the_middle_of_a_message_breaks_nothing():
    assert [m.type for m in ByteParser().feed([0x90, 60, 0xF8, 100])] == ["clock", "note_on"]


def test_what_comes_before_a_status_or_breaks_off_is_counted():
    wire = ByteParser()
    assert list(wire.feed([1, 2, 3])) == []
    assert wire.noise == 3
    assert list(wire.feed([0xE0, 1])) == []
    assert wire.noise == 5
    assert list(wire.feed([0xF4, 0xF9])) == []
    assert wire.noise == 7


def test_system_exclusive_is_skipped_and_what_follows_is_read():
    wire = ByteParser()
    assert [m.type for m in wire.feed([0xF0, *range(100), 0xF7, 0x90, 60, 1])] == ["note_on"]
    assert wire.sysex == 1
    assert wire.noise == 0


def test_a_megabyte_of_system_exclusive_costs_nothing_and_is_counted():
    wire, sysex = ByteParser(), [0xF0, *[1] * 1_000_000, 0xF7]
    began = time.process_time()
    assert list(wire.feed(sysex)) == []
    assert time.process_time() - began < 0.1  # unread: decoding it takes longer than this
    assert (wire.sysex, wire.received) == (1, 0)
    assert [m.type for m in wire.feed([0xF8])] == ["clock"]


def test_a_packet_of_the_longest_length_that_is_read():
    wire = ByteParser()
    assert list(wire.feed([0xF0, *[1] * (LONGEST - 2), 0xF7])) == []
    assert list(wire.feed([0x80, 1, 1])) == [mido.Message("note_off", note=1, velocity=1)]


def test_any_bytes_give_valid_messages_or_nothing():
    draw, wire, total = random.Random(8), ByteParser(), 0
    for _ in range(20_000):
        data = bytes(draw.randrange(256) for _ in range(draw.randrange(24)))
        for message in wire.feed(data):
            assert mido.Message.from_bytes(message.bytes()) == message
            total += 1
    assert wire.received == total > 10_000
    assert wire.noise > 10_000
