import json

import pytest
from midi_board import PORT, board, cc, note, program, specs
from mido import Message
from song import served

from engine.remote.midi.bindings import Bindings
from engine.remote.midi.controls import read_touch


class WiredPatch:
    """Bindings on a board, played by messages: each in a tick of its own."""

    def __init__(self, *, shelf=("tidal", "mandala"), **table):
        self.tree, self.said, self.t = board(), [], 0.0
        self.bindings = Bindings(self.tree, shelf, self.said.append)
        self.bindings.use(specs(**table))

    def play(self, *messages, port=PORT, gap_s=1.0):
        for message in messages:
            self.t += gap_s
            self.bindings.take(read_touch(message, port), self.t)
            if gap_s > 0.5:
                self.bindings.due(self.t + 0.5)
                served(self.tree)
        return self

    def base(self, address="/walk/speed"):
        return self.tree.leaf(address).base

    def hand(self, value, address="/walk/speed"):
        """Another hand: a key, OSC, a page."""
        self.tree.post(address, value)
        served(self.tree)


def test_a_knob_moves_a_parameter_over_its_whole_range():
    wired = WiredPatch(**{"cc/21": {"to": "/walk/speed", "takeover": "jump"}})
    assert wired.play(cc(21, 0)).base() == 0.0
    assert wired.play(cc(21, 127)).base() == 1.0


def test_on_the_curve_that_the_parameter_has():
    wired = WiredPatch(**{"cc14/1": {"to": "/walk/rate_hz", "takeover": "jump"}})
    wired.play(cc(1, 64), cc(33, 0), gap_s=0.001)
    served(wired.tree)
    assert wired.base("/walk/rate_hz") == pytest.approx(1.0, rel=1e-3)


def test_between_the_ends_that_the_patch_gives_turned_round_where_it_says_so():
    wired = WiredPatch(**{"cc/21": {"to": "/walk/rate_hz", "low": 4.0, "high": 0.5, "takeover": "jump"}})
    assert wired.play(cc(21, 0)).base("/walk/rate_hz") == pytest.approx(4.0)
    assert wired.play(cc(21, 127)).base("/walk/rate_hz") == pytest.approx(0.5)


def test_the_binding_of_a_channel_goes_before_that_of_all():
    wired = WiredPatch(**{"cc/7": "/walk/steps", "3/cc/7": {"to": "/walk/speed", "takeover": "jump"}})
    wired.play(cc(7, 127, channel=3))
    assert wired.base() == 1.0
    assert wired.base("/walk/steps") == 3


# --- soft take-over ------------------------------------------------------------------------------------------------------


def test_a_fader_does_nothing_until_it_crosses_the_value_and_then_follows():
    wired = WiredPatch(**{"cc/21": "/walk/speed"})
    assert wired.play(cc(21, 10), cc(21, 40)).base() == 0.5
    assert wired.play(cc(21, 80)).base() == pytest.approx(80 / 127)
    assert wired.play(cc(21, 20)).base() == pytest.approx(20 / 127)


def test_or_comes_near_it():
    wired = WiredPatch(**{"cc/21": "/walk/speed"})
    assert wired.play(cc(21, 62)).base() == pytest.approx(62 / 127)


def test_a_fader_lets_go_when_another_hand_moves_the_value():
    wired = WiredPatch(**{"cc/21": "/walk/speed"}).play(cc(21, 64), cc(21, 20))
    wired.hand(0.9)
    assert wired.play(cc(21, 30), cc(21, 100)).base() == 0.9
    assert wired.play(cc(21, 120)).base() == pytest.approx(120 / 127)


def test_what_one_tick_has_not_yet_brought_into_force_is_not_another_hand():
    wired = WiredPatch(**{"cc/21": "/walk/speed"}).play(cc(21, 64))
    for value in (66, 70, 80, 100, 110):
        wired.play(cc(21, value), gap_s=0.0001)
    served(wired.tree)
    assert wired.base() == pytest.approx(110 / 127)
    for value in (100, 60, 20):
        wired.play(cc(21, value), gap_s=0.0001)
    served(wired.tree)
    assert wired.base() == pytest.approx(20 / 127)


def test_a_new_patch_lets_go_of_all_faders_at_once():
    wired = WiredPatch(**{"cc/21": "/walk/speed"}).play(cc(21, 64), cc(21, 20))
    wired.bindings.use(specs(**{"cc/21": "/walk/rate_hz"}))
    wired.play(cc(21, 21))
    assert wired.base("/walk/rate_hz") == 1.0
    assert wired.base() == pytest.approx(20 / 127)


def test_a_patch_saved_again_with_the_same_bindings_lets_go_of_nothing():
    table = {"cc/21": "/walk/steps", "note/36": {"to": "/walk/mirror", "press": "hold"}}
    wired = WiredPatch(**table).play(cc(21, 33), note(36))
    wired.bindings.use(specs(**table))
    assert wired.play(cc(21, 64)).base("/walk/steps") == 6
    assert wired.base("/walk/mirror") is True
    wired.bindings.use(specs(**table, **{"cc/22": "/walk/speed"}))
    assert wired.play(cc(21, 70)).base("/walk/steps") == 6
    assert wired.base("/walk/mirror") is False


def test_a_value_beyond_the_fader_is_met_at_its_end():
    wired = WiredPatch(**{"cc/21": {"to": "/walk/speed", "low": 0.0, "high": 0.3}})
    assert wired.play(cc(21, 20), cc(21, 110)).base() == 0.5
    assert wired.play(cc(21, 127)).base() == pytest.approx(0.3)


def test_a_fader_that_jumps_asks_nobody():
    wired = WiredPatch(**{"cc/21": {"to": "/walk/speed", "takeover": "jump"}}).play(cc(21, 20))
    wired.hand(0.9)
    assert wired.play(cc(21, 30)).base() == pytest.approx(30 / 127)


def test_a_whole_number_is_held_where_the_fader_says_the_same():
    wired = WiredPatch(**{"cc/21": "/walk/steps"}).play(cc(21, 33))
    assert wired.play(cc(21, 127)).base("/walk/steps") == 12


# --- encoders, notes, buttons ------------------------------------------------------------------------------------------------


def test_an_encoder_turns_on_from_wherever_the_value_stands():
    wired = WiredPatch(**{"relative/20": "/walk/speed"}).play(cc(20, 4))
    assert wired.base() == pytest.approx(0.5 + 4 / 128)
    wired.hand(0.1)
    assert wired.play(cc(20, 127)).base() == pytest.approx(0.1 - 1 / 128)
    assert wired.play(*[cc(20, 64)] * 10).base() == 0.0


def test_small_steps_of_an_encoder_add_up_to_whole_numbers():
    wired = WiredPatch(**{"relative/20": "/walk/steps"})
    assert wired.play(*[cc(20, 1)] * 32).base("/walk/steps") == 6


def test_a_note_throws_a_switch_and_fires_a_trigger_when_it_is_struck():
    wired = WiredPatch(**{"note/36": "/walk/mirror", "note/37": "/walk/tap"})
    assert wired.play(note(36), note(36, 0)).base("/walk/mirror") is True
    assert wired.play(note(36), note(36, 0)).base("/walk/mirror") is False
    wired.play(note(37))
    assert wired.tree.leaf("/walk/tap").value == 1
    wired.play(note(37, 0))
    assert wired.tree.leaf("/walk/tap").value == 0


def test_a_button_of_controllers_acts_when_it_passes_its_middle():
    wired = WiredPatch(**{"cc/44": "/walk/mirror"})
    assert wired.play(cc(44, 127)).base("/walk/mirror") is True
    assert wired.play(cc(44, 126), cc(44, 0)).base("/walk/mirror") is True
    assert wired.play(cc(44, 64)).base("/walk/mirror") is False


def test_a_switch_can_be_on_for_as_long_as_a_key_is_held():
    wired = WiredPatch(**{"note/36": {"to": "/walk/mirror", "press": "hold"}})
    assert wired.play(note(36)).base("/walk/mirror") is True
    assert wired.play(note(36, 0)).base("/walk/mirror") is False


def test_a_note_moves_a_number_by_how_hard_it_is_struck_while_it_is_held():
    wired = WiredPatch(**{"note/36": {"to": "/walk/speed", "low": 0.1}})
    assert wired.play(note(36, 127)).base() == 1.0
    assert wired.play(note(36, 0)).base() == pytest.approx(0.1)


def test_a_press_sets_a_value_and_a_program_change_too():
    wired = WiredPatch(**{"note/36": {"to": "/walk/speed", "value": 0.9}, "program/3": {"to": "/patch/load", "value": "voyage"}})
    assert wired.play(note(36, 20), note(36, 0)).base() == 0.9
    assert wired.play(program(3)).base("/patch/load") == "voyage"


def test_the_wheel_rests_in_the_middle_and_aftertouch_at_nothing():
    wired = WiredPatch(bend="/walk/speed", aftertouch="/walk/rate_hz")
    assert wired.play(Message("pitchwheel", pitch=-8192)).base() == 0.0
    assert wired.play(Message("pitchwheel", pitch=0)).base() == 0.5
    assert wired.play(Message("aftertouch", value=127)).base("/walk/rate_hz") == pytest.approx(10.0)
    wired.bindings.lose(PORT)
    served(wired.tree)
    assert wired.base("/walk/rate_hz") == pytest.approx(0.1)


@pytest.mark.parametrize("message", [note(37), cc(21, 64), cc(20, 3), program(1)], ids=["trigger", "fader", "encoder", "program"])
def test_what_was_moved_was_moved_when_it_arrived_however_long_it_was_held_back(message):
    wired = WiredPatch(**{"note/37": "/walk/tap", "cc/21": "/walk/speed", "relative/20": "/walk/rate_hz"})
    wired.bindings.take(read_touch(message, PORT), 12.5)
    assert [item.t_posted for item in wired.tree.take()] == [12.5]


# --- what is held ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["lost", "panic", "patch"])
def test_nothing_stays_held(how):
    hold = {"to": "/walk/mirror", "press": "hold"}
    wired = WiredPatch(**{"note/36": hold, "cc/44": {"to": "/walk/speed", "takeover": "jump"}, "note/37": "/walk/rate_hz"})
    wired.play(note(36), note(37, 127), cc(44, 100))
    if how == "lost":
        wired.bindings.lose(PORT)
    elif how == "panic":
        wired.bindings.release()
    else:
        wired.bindings.use(())
        wired.bindings.due(wired.t)
    served(wired.tree)
    assert wired.base("/walk/mirror") is False
    assert wired.base("/walk/rate_hz") == pytest.approx(0.1)
    assert wired.base() == pytest.approx(100 / 127)  # a fader stays where it is


def test_only_what_the_lost_port_held():
    wired = WiredPatch(**{"note/36": {"to": "/walk/mirror", "press": "hold"}}).play(note(36), port="other")
    wired.bindings.lose(PORT)
    served(wired.tree)
    assert wired.base("/walk/mirror") is True


# --- macros and programs without a binding -----------------------------------------------------------------------------------


def sweep(number, to, channel=1):
    """A hand moves a fader up to `to`."""
    return [cc(number, value, channel=channel) for value in range(to % 6, to + 1, 6)]


def swept(wired, number, to, port=PORT, channel=1):
    """The same, heard in 20 ms steps."""
    wired.play(*sweep(number, to, channel), port=port, gap_s=0.02)
    served(wired.tree)
    return wired


def test_controllers_that_no_patch_names_get_the_macros_in_the_order_in_which_they_are_swept():
    wired = WiredPatch(**{"cc/1": "/walk/speed", "aftertouch": "/macro/2"})
    swept(wired, 71, 100)
    swept(wired, 1, 64)
    swept(wired, 20, 70)
    swept(wired, 71, 90)
    assert wired.base("/macro/1") == pytest.approx(90 / 127)
    assert wired.base("/macro/2") == 0.5  # the patch has it elsewhere
    assert wired.base("/macro/3") == pytest.approx(70 / 127)
    assert [message.split(" from")[0] for message in wired.said] == [
        "MIDI cc/71 on channel 1 of nano plays /macro/1 (Macro 1, energy)",
        "MIDI cc/20 on channel 1 of nano plays /macro/3 (Macro 3, chaos)",
    ]


def test_the_same_number_of_another_port_or_channel_is_another_controller():
    wired = WiredPatch()
    swept(wired, 21, 64)
    swept(wired, 21, 64, port="other")
    swept(wired, 21, 64, channel=2)
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
    swept(wired, 74, 100, channel=5)
    assert not wired.bindings.state()
    swept(wired, 74, 100)
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
    wired = swept(WiredPatch(), 6, 90)
    assert [entry[2:] for entry in wired.bindings.state()] == [[6, 1]]


def test_a_fader_with_the_number_of_bank_select_gets_a_macro_once_it_is_swept():
    wired = WiredPatch().play(cc(0, 0), cc(0, 1), cc(0, 0), cc(0, 1))
    assert not wired.bindings.state(), "banks were selected"
    swept(wired, 0, 126)
    assert [entry[2:] for entry in wired.bindings.state()] == [[0, 1]]
    assert wired.base("/macro/1") == pytest.approx(126 / 127)


@pytest.mark.parametrize(
    ("more", "less"), [([1, 1, 1, 2, 1, 1], [127, 127, 126]), ([65, 65, 65, 66, 65, 65], [63, 63, 62]), ([17] * 6, [15, 15, 14])]
)
def test_an_endless_encoder_is_told_by_what_it_sends_and_does_not_slam(more, less):
    wired = WiredPatch()
    for _ in range(3):
        wired.play(*(cc(20, value) for value in more), gap_s=0.02)
        served(wired.tree)
    up = wired.base("/macro/1")
    assert 0.5 < up < 0.7
    for value in less * 8:
        before = wired.base("/macro/1")
        wired.play(cc(20, value), gap_s=0.02)
        served(wired.tree)
        assert abs(wired.base("/macro/1") - before) <= 2 / 128 + 1e-9
    assert wired.base("/macro/1") < up
    assert "as an endless encoder" in wired.said[0]


def test_an_encoder_with_a_sign_bit_is_read_right_once_it_has_turned_both_ways():
    wired = WiredPatch().play(*(cc(20, 1) for _ in range(8)), gap_s=0.02)
    wired.play(*(cc(20, value) for value in (65, 65, 1, 1, 65, 65)), gap_s=0.02)
    served(wired.tree)
    before = wired.base("/macro/1")
    wired.play(*(cc(20, 65) for _ in range(4)), gap_s=0.02)
    served(wired.tree)
    assert before - 5 / 128 < wired.base("/macro/1") < before


def test_a_ninth_controller_gets_none_which_is_said_once_until_one_is_given_back():
    wired = WiredPatch()
    for number in range(40, 52):
        swept(wired, number, 64)
    assert [entry[2:] for entry in wired.bindings.state()] == [[40 + index, index + 1] for index in range(8)]
    assert wired.bindings.unbound > 4
    assert wired.said[8:] == ["no macro is left for MIDI cc/48 on channel 1 of nano; /midi/unassign MACRO gives one back"]
    assert wired.bindings.give_back(3) == [(PORT, 1, 42)]
    swept(wired, 50, 64)
    assert [PORT, 1, 50, 3] in wired.bindings.state()
    assert len(wired.bindings.give_back()) == 8
    assert wired.bindings.state() == []


def test_macros_stay_with_their_controllers_whatever_patch_plays():
    wired = swept(WiredPatch(), 71, 64)
    wired.bindings.use(specs(**{"cc/71": "/walk/speed"}))
    assert wired.play(cc(71, 64), cc(71, 100)).base() == pytest.approx(100 / 127)
    assert wired.base("/macro/1") == pytest.approx(64 / 127)
    wired.bindings.use(())
    assert wired.play(cc(71, 64), cc(71, 30)).base("/macro/1") == pytest.approx(30 / 127)


def test_and_come_back_after_a_restart():
    wired, later = swept(swept(WiredPatch(), 71, 64), 20, 60), WiredPatch()
    assert later.bindings.restore(json.loads(json.dumps(wired.bindings.state()))) == []
    later.play(cc(20, 64), cc(20, 90))
    swept(later, 99 - 10, 64)
    assert later.base("/macro/2") == pytest.approx(90 / 127)
    assert later.bindings.state()[2] == [PORT, 1, 89, 3]


def test_a_switch_that_sends_the_same_at_every_press_works_each_time_taps_too():
    wired = WiredPatch(**{"cc/64": "/walk/mirror", "cc/65": "/walk/tap"})
    seen = []
    for _ in range(4):
        wired.play(cc(64, 127))
        seen.append(wired.base("/walk/mirror"))
        wired.bindings.take(read_touch(cc(65, 100), PORT), wired.t)
        assert [change.address for change in served(wired.tree)] == ["/walk/tap"]
    assert seen == [True, False, True, False]


def test_a_fader_that_says_the_same_again_presses_nothing():
    wired = WiredPatch(**{"cc/64": "/walk/mirror"})
    wired.play(*(cc(64, value) for value in (10, 40, 70, 100, 100, 100)))
    assert wired.base("/walk/mirror") is True


def test_a_spoilt_state_is_refused_entry_by_entry():
    wired = WiredPatch()
    refused = wired.bindings.restore([["a", 1, 2, 3], ["a", 17, 2, 3], ["a", 1, 120, 3], ["a", 1, 2, 9], [], None, {"a": 1}])
    assert len(refused) == 6
    assert wired.bindings.state() == [["a", 1, 2, 3]]
    assert len(wired.bindings.restore({"junk": 1})) == 1


def test_a_program_change_loads_the_patch_of_that_place_on_the_shelf():
    wired = WiredPatch().play(program(1))
    assert wired.base("/patch/load") == "mandala"
    assert wired.play(program(2)).base("/patch/load") == "mandala"
    assert wired.bindings.unbound == 1


def test_what_the_board_does_not_have_is_counted_and_nothing_more():
    wired = WiredPatch(**{"cc/21": {"to": "/walk/gone", "takeover": "jump"}})
    wired.play(cc(21, 64))
    assert wired.bindings.refused == 1
