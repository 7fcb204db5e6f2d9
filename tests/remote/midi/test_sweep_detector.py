from collections.abc import Iterable

import pytest
from midi_board import PORT, cc, note
from mido import Message

from engine.remote.midi.controls import read_touch
from engine.remote.midi.sweep_detector import KNOB, REST_S, SweepDetector

SWEEP = range(20, 100, 3)


class Listener:
    """A detector on one port, and what it finds, by channel and number."""

    def __init__(self) -> None:
        self.detector, self.t, self.found = SweepDetector(), 100.0, {}

    def play(self, *messages: Message, gap_s: float = 0.01, port: str = PORT) -> "Listener":
        for message in messages:
            self.t += gap_s
            touch = read_touch(message, port)
            self.detector.listen(touch, self.t)
            if touch.kind == "cc" and (kind := self.detector.look(touch, self.t)) is not None:
                self.found.setdefault((touch.channel, touch.number), kind)
        return self

    def sweep(self, number: int, channel: int = 1, values: Iterable[int] = SWEEP, gap_s: float = 0.01) -> "Listener":
        return self.play(*(cc(number, value, channel) for value in values), gap_s=gap_s)


@pytest.mark.parametrize("gap_s", [0.001, 0.02, 0.3], ids=["thrown", "turned", "turned slowly"])
@pytest.mark.parametrize("values", [SWEEP, range(127, -1, -1), [10, 40, 70, 100]], ids=["up", "down", "in few steps"])
def test_a_knob_that_is_swept_is_one(values, gap_s):
    assert Listener().sweep(21, values=values, gap_s=gap_s).found == {(1, 21): KNOB}


@pytest.mark.parametrize(
    "values",
    [
        [64],
        [0, 127, 0, 127, 0, 127],
        [127] * 20,
        [0, 64, 127, 0, 64, 127],
        [20, 60, 90],
        [0, 1, 2, 3, 2, 1, 2],
        [60, 64, 61, 66, 70, 58],
    ],
    ids=["once", "a button", "one without release", "three places", "three values", "banks", "a tremble"],
)
def test_what_was_not_swept_is_none(values):
    assert not Listener().sweep(21, values=values).found


def test_a_host_that_chases_its_controllers_moves_none():
    """Volume, pan, effects and pedals on sixteen channels: at the start, and whenever it jumps in the song."""
    listener = Listener()
    for jump in range(20):
        chase = [
            cc(number, (40 + jump * 9 + number) % 128, channel) for channel in range(1, 17) for number in (7, 10, 11, 91, 93)
        ]
        listener.play(*chase, gap_s=0.0005).play(gap_s=0.2)
        listener.t += 0.2
    assert not listener.found
    assert listener.sweep(10, channel=3).found == {(3, 10): KNOB}, "a hand still does"


def test_neither_does_a_host_that_chases_one_channel():
    listener = Listener()
    for volume, pan in ((100, 64), (80, 20), (60, 110), (40, 64)):
        listener.play(cc(7, volume), cc(10, pan), cc(91, 40), gap_s=0.001)
        listener.t += 1.0
    assert not listener.found


def test_a_controller_that_tells_where_all_its_knobs_stand_moves_none():
    listener = Listener()
    for _ in range(4):
        listener.play(*(cc(number, 3 * number % 128) for number in range(120)), gap_s=0.001)
    assert not listener.found


def test_a_board_that_sends_all_its_knobs_all_the_time_is_played():
    listener = Listener()
    for value in SWEEP:
        listener.play(*(cc(number, value if number == 23 else 60 + number % 2) for number in range(20, 36)), gap_s=0.001)
    assert listener.found == {(1, 23): KNOB}


@pytest.mark.parametrize("select", [(99, 98), (101, 100)], ids=["NRPN", "RPN"])
def test_parameters_by_number_take_no_control(select):
    listener = Listener()
    for value in SWEEP:
        listener.play(cc(select[0], value), cc(select[1], 127 - value), cc(6, value), cc(38, 127 - value), gap_s=0.05)
        listener.play(cc(96, value), cc(97, value), gap_s=0.05)
    assert not listener.found
    listener.play(cc(101, 127), cc(100, 127)).sweep(6)  # no number any more: a fader may have this one
    assert listener.found == {(1, 6): KNOB}


@pytest.mark.parametrize("zone", [True, False], ids=["that says so", "that does not"])
def test_the_fingers_of_an_mpe_keyboard_are_no_controls(zone):
    listener = Listener()
    if zone:
        listener.play(cc(101, 0), cc(100, 6), cc(6, 15))
    for value in SWEEP:
        for finger in (2, 3, 4):
            if value == SWEEP[0]:
                listener.play(cc(74, 64, finger), note(60 + finger, channel=finger))
            listener.play(Message("pitchwheel", pitch=value, channel=finger - 1), cc(74, value, finger))
    assert not listener.found
    assert listener.sweep(74).sweep(1).found == {(1, 74): KNOB, (1, 1): KNOB}, "its own pedal and wheel are"
    listener.play(note(70))
    listener.found.clear()
    assert listener.sweep(74).found == ({(1, 74): KNOB} if zone else {}), "channel 1 has a finger, too, where it leads no zone"


def test_the_members_of_an_upper_zone_are_fingers_and_other_channels_are_not():
    listener = Listener().play(cc(101, 0, 16), cc(100, 6, 16), cc(6, 4, 16))
    for channel in range(10, 17):
        listener.sweep(20, channel)
    assert {channel for channel, _ in listener.found} == {10, 11, 16}


def test_a_filter_that_is_swept_while_chords_are_held_is_a_control():
    assert Listener().play(note(60), note(64)).sweep(74).found == {(1, 74): KNOB}


@pytest.mark.parametrize("number", [64, 66, 67, 88])
def test_what_belongs_to_the_notes_is_none_where_notes_are_played(number):
    assert not Listener().play(note(60), note(60, 0)).sweep(number).found
    assert Listener().sweep(number).found == {(1, number): KNOB}


@pytest.mark.parametrize("order", [(16, 48), (48, 16)], ids=["coarse first", "fine first"])
def test_a_fine_half_is_no_control_of_its_own(order):
    listener = Listener()
    for value in range(2000, 14000, 40):
        halves = {16: value >> 7, 48: value & 127}
        listener.play(cc(order[0], halves[order[0]]))
        listener.play(cc(order[1], halves[order[1]]), gap_s=0.0005)
    listener.sweep(48)
    assert listener.found == {(1, 16): KNOB}
    assert listener.detector.is_coarse(read_touch(cc(16, 1), PORT))


def test_two_knobs_that_are_32_apart_are_two():
    assert Listener().sweep(16).sweep(48).found == {(1, 16): KNOB, (1, 48): KNOB}


@pytest.mark.parametrize(
    ("codes", "encoding"),
    [((1, 127), "complement"), ((1, 65), "sign"), ((65, 63), "offset"), ((66, 62), "offset"), ((17, 15), "offset16")],
)
def test_an_endless_encoder_is_one_once_it_was_turned_both_ways(codes, encoding):
    more, less = codes
    listener = Listener().sweep(21, values=[more] * 12)
    assert not listener.found
    assert listener.sweep(21, values=[less] * 3).found == {(1, 21): encoding}


def test_one_that_was_taken_for_a_knob_is_recognised_later():
    """Turned so hard that its clicks were values of a sweep."""
    listener = Listener().sweep(21, values=[1, 10, 25, 40, 20, 2])
    assert listener.found == {(1, 21): KNOB}
    seen = []
    for value in (1, 1, 1, 2, 1, 2, 1, 1, 1, 127, 127, 126, 126, 127, 127, 127):
        listener.t += 0.02
        seen.append(listener.detector.look_again(read_touch(cc(21, value), PORT), listener.t))
    assert seen[-1] == "complement"


def test_what_was_given_back_must_rest_before_it_is_swept_anew():
    listener = Listener().sweep(21)
    listener.detector.rest((PORT, 1, 21))
    listener.found.clear()
    for _ in range(10):
        listener.sweep(21, gap_s=0.1)
    assert not listener.found, "the hand, or the host, that goes on moving it"
    listener.t += REST_S
    assert listener.sweep(21).found == {(1, 21): KNOB}


def test_a_lost_port_is_forgotten_and_others_are_not():
    listener = Listener().play(cc(99, 1), cc(98, 1), note(60, channel=2))
    listener.play(cc(99, 1), port="other")
    listener.detector.lose(PORT)
    assert listener.sweep(6).sweep(74, 2).found == {(1, 6): KNOB, (2, 74): KNOB}
    listener.found.clear()
    listener.play(*(cc(6, value) for value in SWEEP), port="other")
    assert not listener.found


def test_released_notes_sound_no_more():
    listener = Listener().play(note(60, channel=2))
    listener.detector.release(PORT, 2)
    assert listener.sweep(74, 2).found == {(2, 74): KNOB}
