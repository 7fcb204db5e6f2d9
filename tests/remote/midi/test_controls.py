import mido
import pytest

from engine.remote.midi.controls import PAIR_S, Pairs, bend, read_touch

KNOB = ("nano", 1, 16)


@pytest.mark.parametrize(
    ("message", "kind", "number", "position"),
    [
        (mido.Message("control_change", control=21, value=127), "cc", 21, 1.0),
        (mido.Message("note_on", note=36, velocity=127), "note", 36, 1.0),
        (mido.Message("note_on", note=36, velocity=0), "note", 36, 0.0),  # how most keyboards end a note
        (mido.Message("note_off", note=36, velocity=64), "note", 36, 0.0),
        (mido.Message("pitchwheel", pitch=0), "bend", -1, 0.5),
        (mido.Message("pitchwheel", pitch=-8192), "bend", -1, 0.0),
        (mido.Message("pitchwheel", pitch=8191), "bend", -1, 1.0),
        (mido.Message("aftertouch", value=127), "aftertouch", -1, 1.0),
        (mido.Message("polytouch", note=60, value=0), "aftertouch", 60, 0.0),
        (mido.Message("program_change", program=3), "program", 3, 1.0),
    ],
    ids=lambda item: str(item)[:24],
)
def test_what_a_message_says(message, kind, number, position):
    message.channel = 2
    touch = read_touch(message, "nano")
    assert (touch.port, touch.channel, touch.kind, touch.number, touch.position) == ("nano", 3, kind, number, position)


def test_system_messages_move_nothing():
    assert read_touch(mido.Message("active_sensing"), "nano") is None
    assert read_touch(mido.Message("sysex", data=(1, 2)), "nano") is None


def test_the_wheel_reaches_both_ends_and_rests_at_0():
    assert [bend(pitch) for pitch in (-8192, 0, 8191)] == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("order", [(False, True), (True, False)], ids=["coarse first", "fine first"])
def test_both_halves_of_14_bits_make_one_position_and_nothing_in_between(order):
    pairs, seen = Pairs(), []
    for value in (0, 127, 128, 8191, 8192, 16383):
        halves = {False: value >> 7, True: value & 127}
        at = value / 100.0
        seen += [position for fine in order if (position := pairs.take(KNOB, fine, halves[fine], at)) is not None]
        seen += [position for _, position in pairs.due(at + 1.0)]
    if not order[0]:
        assert seen.pop(0) == 0.0  # nobody knows yet that a fine half follows
    assert [round(position * 16383) for position in seen] == [0, 127, 128, 8191, 8192, 16383]


@pytest.mark.parametrize("fine", [False, True])
def test_a_controller_that_only_ever_sends_one_half_has_its_whole_way(fine):
    pairs, seen = Pairs(), []
    for step, value in enumerate((0, 64, 127, 127, 0)):
        at = float(step)
        first = pairs.take(KNOB, fine, value, at)
        assert fine or first is not None, "a coarse half waits for nobody"
        seen += [first] if first is not None else [position for _, position in pairs.due(at + 0.5)]
    assert seen == [0.0, 64 / 127, 1.0, 1.0, 0.0]


def test_halves_that_repeat_faster_than_they_are_waited_for_move_all_the_same():
    pairs = Pairs()
    pairs.take(KNOB, False, 64, 0.0)
    pairs.take(KNOB, True, 0, 0.001)
    seen = [pairs.take(KNOB, True, value, 1.0 + value * 0.001) for value in range(10)]
    assert [None if one is None else round(one * 16383) for one in seen] == [None, *(64 << 7 | value for value in range(1, 10))]


@pytest.mark.parametrize("fine", [False, True])
def test_a_half_that_stays_alone_counts_after_a_moment(fine):
    pairs = Pairs()
    pairs.take(KNOB, False, 64, 0.0)
    pairs.take(KNOB, True, 32, 0.001)
    assert pairs.take(KNOB, fine, 70, 1.0) is None
    assert pairs.waiting
    assert pairs.due(1.0 + PAIR_S / 2) == []
    [(knob, position)] = pairs.due(1.0 + 2 * PAIR_S)
    assert knob == KNOB
    assert round(position * 16383) == (64 << 7 | 70 if fine else 70 << 7 | 32)
    assert not pairs.waiting


def test_what_a_lost_port_began_is_never_finished():
    pairs = Pairs()
    pairs.take(KNOB, False, 64, 0.0)
    pairs.forget("nano")
    assert pairs.due(1.0) == []
