import json

import pytest
from midi_board import PORT, cc, note, specs
from wired_patch import WiredPatch


def test_controllers_that_no_patch_names_get_the_macros_in_the_order_in_which_they_are_swept():
    wired = WiredPatch(**{"cc/1": "/walk/speed", "aftertouch": "/macro/2"})
    wired.sweep(71, 100)
    wired.sweep(1, 64)
    wired.sweep(20, 70)
    wired.sweep(71, 90)
    assert wired.base("/macro/1") == pytest.approx(90 / 127)
    assert wired.base("/macro/2") == 0.5  # the patch has it elsewhere
    assert wired.base("/macro/3") == pytest.approx(70 / 127)
    assert [message.split(" from")[0] for message in wired.said] == [
        "MIDI cc/71 on channel 1 of nano plays /macro/1 (Macro 1, energy)",
        "MIDI cc/20 on channel 1 of nano plays /macro/3 (Macro 3, chaos)",
    ]


def test_the_same_number_of_another_port_or_channel_is_another_controller():
    wired = WiredPatch()
    wired.sweep(21, 64)
    wired.sweep(21, 64, port="other")
    wired.sweep(21, 64, channel=2)
    assert len(wired.said) == 3


def nrpn(number, values):
    """A knob of a synthesiser that speaks NRPN."""
    for value in values:
        yield from (cc(99, number >> 7), cc(98, number & 127), cc(6, value >> 7), cc(38, value & 127))


BY_THEMSELVES = {
    "a start-up": [
        cc(number, value, channel=channel) for channel in range(1, 9) for number, value in ((7, 0), (7, 100), (10, 64), (91, 40))
    ],
    "the same twice": [
        cc(number, value) for _ in range(2) for number, value in ((7, 100), (10, 64), (91, 40), (1, 0), (11, 127))
    ],
    "bank selects": [cc(0, 1), cc(32, 1), cc(0, 2), cc(32, 7), cc(0, 3)],
    "channel modes": [cc(120, 0), cc(121, 0), cc(127, 0)],
    "an NRPN knob": list(nrpn(300, range(0, 16384, 130))),
    "RPN": [cc(101, 0), cc(100, 0), *(cc(6, value) for value in range(0, 60, 4)), cc(101, 127), cc(100, 127)],
    "a button": [cc(20, 127), cc(20, 0)] * 5,
    "a switch": [cc(20, 127)] * 5,
    "a song that loops": [cc(number, value) for _ in range(12) for number, value in ((7, 100), (10, 60), (91, 63), (93, 5))],
    "a board whose knobs rest": [cc(number, number) for _ in range(50) for number in (1, 15, 17, 63, 65, 66, 127)],
    "a board whose knob trembles": [cc(20, value) for value in (62, 63, 63, 62, 63, 64, 63, 65, 64, 64, 63, 62) * 8],
    "velocities of high resolution": [
        message for step in range(40) for message in (cc(88, 37 * step % 128), note(60), note(60, 0))
    ],
    "pedals of a piano": [note(60), *(cc(64, value) for value in (*range(0, 128, 6), *range(127, -1, -6)))],
    "MPE": [
        message
        for channel in (2, 3)
        for message in (note(60, channel=channel), *(cc(74, value, channel=channel) for value in range(20, 120, 5)))
    ],
}


@pytest.mark.parametrize("what", BY_THEMSELVES)
def test_what_a_device_sends_by_itself_takes_no_macro(what):
    wired = WiredPatch().play(*BY_THEMSELVES[what], gap_s=0.003)
    assert wired.bindings.state() == []
    assert wired.said == []


def test_a_zone_of_mpe_keeps_the_macros_from_its_voices_and_not_from_its_knobs():
    wired = WiredPatch().play(cc(101, 0), cc(100, 6), cc(6, 15), gap_s=0.003)
    wired.sweep(74, 100, channel=5)
    assert not wired.bindings.state()
    wired.sweep(74, 100)
    assert [entry[1:] for entry in wired.bindings.state()] == [[1, 74, 1]]


@pytest.mark.parametrize("fine_first", [False, True])
def test_the_fine_half_of_a_fader_is_no_control_of_its_own(fine_first):
    wired = WiredPatch()
    for value in range(0, 16384, 150):
        halves = [cc(5, value >> 7), cc(37, value & 127)]
        wired.play(halves[fine_first], gap_s=0.02)
        wired.play(halves[not fine_first], gap_s=0.001)
    assert [entry[2] for entry in wired.bindings.state()] == [5]


def test_data_entry_that_nothing_selected_is_a_fader_like_any():
    wired = WiredPatch().sweep(6, 90)
    assert [entry[2:] for entry in wired.bindings.state()] == [[6, 1]]


def test_a_fader_with_the_number_of_bank_select_gets_a_macro_once_it_is_swept():
    wired = WiredPatch().play(cc(0, 0), cc(0, 1), cc(0, 0), cc(0, 1))
    assert not wired.bindings.state(), "banks were selected"
    wired.sweep(0, 126)
    assert [entry[2:] for entry in wired.bindings.state()] == [[0, 1]]
    assert wired.base("/macro/1") == pytest.approx(126 / 127)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ([1, 1, 1, 2, 1, 1], [127, 127, 126]),
        ([65, 65, 65, 66, 65, 65], [63, 63, 62]),
        ([17] * 6, [15, 15, 14]),
        ([1] * 6, [65, 65, 66]),
        ([66, 64] * 4, [62, 64] * 4),
    ],
    ids=["complement", "offset", "offset16", "sign", "offset with a rest after each click"],
)
def test_an_endless_encoder_is_told_by_what_it_sends_and_does_not_slam(more, less):
    wired = WiredPatch().repeat(20, [*more, *less, *more])
    assert "as an endless encoder" in wired.said[0]
    up = wired.base("/macro/1")
    assert 0.5 < up < 0.65
    for value in less * 8:
        before = wired.base("/macro/1")
        wired.repeat(20, [value])
        assert abs(wired.base("/macro/1") - before) <= 2 / 128 + 1e-9
    assert wired.base("/macro/1") < up


def test_one_that_was_turned_so_fast_that_it_looked_like_a_fader_is_read_right_later():
    wired = WiredPatch().repeat(20, [1, 10, 25, 40, 20, 2])
    assert wired.bindings.state() == [[PORT, 1, 20, 1]]
    wired.repeat(20, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 127, 127])
    assert wired.bindings.state() == [[PORT, 1, 20, 1, "complement"]]


def test_an_encoder_is_one_after_a_restart_too():
    wired, later = WiredPatch().repeat(20, [1, 1, 1, 127, 127]), WiredPatch()
    assert later.bindings.restore(json.loads(json.dumps(wired.bindings.state()))) == []
    assert later.repeat(20, [1, 1, 127]).base("/macro/1") == pytest.approx(0.5 + 1 / 128)


def test_a_ninth_controller_gets_none_which_is_said_once_until_one_is_given_back():
    wired = WiredPatch()
    for number in range(40, 52):
        wired.sweep(number, 64)
    assert [entry[2:] for entry in wired.bindings.state()] == [[40 + index, index + 1] for index in range(8)]
    assert wired.bindings.unbound > 4
    assert wired.said[8:] == ["no macro is left for MIDI cc/48 on channel 1 of nano; /midi/unassign MACRO gives one back"]
    assert wired.bindings.give_back(3) == [(PORT, 1, 42)]
    wired.sweep(50, 64)
    assert [PORT, 1, 50, 3] in wired.bindings.state()
    assert len(wired.bindings.give_back()) == 8
    assert wired.bindings.state() == []


def test_macros_stay_with_their_controllers_whatever_patch_plays():
    wired = WiredPatch().sweep(71, 64)
    wired.bindings.use(specs(**{"cc/71": "/walk/speed"}))
    assert wired.play(cc(71, 64), cc(71, 100)).base() == pytest.approx(100 / 127)
    assert wired.base("/macro/1") == pytest.approx(64 / 127)
    wired.bindings.use(())
    assert wired.play(cc(71, 64), cc(71, 30)).base("/macro/1") == pytest.approx(30 / 127)


def test_and_come_back_after_a_restart():
    wired, later = WiredPatch().sweep(71, 64).sweep(20, 60), WiredPatch()
    assert later.bindings.restore(json.loads(json.dumps(wired.bindings.state()))) == []
    later.play(cc(20, 64), cc(20, 90))
    later.sweep(99 - 10, 64)
    assert later.base("/macro/2") == pytest.approx(90 / 127)
    assert later.bindings.state()[2] == [PORT, 1, 89, 3]


def test_a_spoilt_state_is_refused_entry_by_entry():
    wired = WiredPatch()
    refused = wired.bindings.restore([["a", 1, 2, 3], ["a", 17, 2, 3], ["a", 1, 120, 3], ["a", 1, 2, 9], [], None, {"a": 1}])
    assert len(refused) == 6
    assert len(wired.bindings.restore([["a", 1, 2, 3, "x"], ["a", 1, 2, 3, "sign", 1], ["a", 1, 2, 3, 4]])) == 3
    assert wired.bindings.state() == [["a", 1, 2, 3]]
    assert len(wired.bindings.restore({"junk": 1})) == 1


# --- given back ------------------------------------------------------------------------------------------------------------


def test_what_was_given_back_stays_where_it_is_until_it_is_swept_anew_by_another_or_after_a_rest():
    wired = WiredPatch().sweep(70)
    wired.bindings.give_back()
    before = wired.base("/macro/1")
    wired.sweep(70, 40).sweep(70, 90).sweep(70)  # a hand that is still there, or a host that goes on
    assert not wired.bindings.state()
    assert wired.base("/macro/1") == before
    wired.sweep(71)
    wired.t += 10.0
    assert [entry[2:] for entry in wired.sweep(70).bindings.state()] == [[71, 1], [70, 2]]


def test_a_control_that_the_patch_has_by_now_keeps_what_it_holds():
    wired = WiredPatch().sweep(70)
    wired.bindings.use(specs(**{"cc/70": {"to": "/walk/mirror", "press": "hold"}}))
    wired.play(cc(70, 0), cc(70, 127))
    assert len(wired.bindings.give_back()) == 1
    assert wired.base("/walk/mirror") is True
    assert wired.play(cc(70, 0)).base("/walk/mirror") is False
