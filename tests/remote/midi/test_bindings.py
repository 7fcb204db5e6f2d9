import pytest
from midi_board import PORT, cc, note, program, specs
from mido import Message
from song import served
from wired_patch import WiredPatch

from engine.remote.midi.controls import read_touch


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


def test_the_coarse_half_of_14_bits_alone_moves_it_at_once_over_its_whole_range():
    wired = WiredPatch(**{"cc14/16": {"to": "/walk/speed", "takeover": "jump"}})
    for value, base in ((0, 0.0), (64, 64 / 127), (127, 1.0), (127, 1.0), (0, 0.0)):
        wired.bindings.take(read_touch(cc(16, value), PORT), wired.t)
        served(wired.tree)
        assert wired.base() == pytest.approx(base)


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


@pytest.mark.parametrize(("encoding", "more", "less"), [("ends", 127, 0), ("offset16", 17, 15), ("sign", 1, 65)])
def test_in_the_way_that_it_counts(encoding, more, less):
    wired = WiredPatch(**{"relative/20": {"to": "/walk/speed", "encoding": encoding}})
    assert wired.play(*[cc(20, more)] * 3).base() == pytest.approx(0.5 + 3 / 128)
    assert wired.play(*[cc(20, less)] * 5).base() == pytest.approx(0.5 - 2 / 128)


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


def test_a_switch_that_sends_the_same_at_every_press_works_each_time_taps_too():
    wired = WiredPatch(**{"cc/64": "/walk/mirror", "cc/65": "/walk/tap", "cc/66": {"to": "/walk/speed", "value": 0.9}})
    for on in (True, False, True, False):
        assert wired.play(cc(64, 127), gap_s=0.05).base("/walk/mirror") is on
        wired.play(cc(65, 100))
        assert wired.tree.leaf("/walk/tap").value == 1
        wired.hand(0.1)
        assert wired.play(cc(66, 64)).base() == 0.9


def test_and_goes_on_doing_so_in_the_next_patch():
    wired = WiredPatch(**{"cc/64": "/walk/mirror"}).play(cc(64, 127))
    wired.bindings.use(specs(**{"cc/64": "/walk/mirror", "cc/65": "/walk/tap"}))
    assert wired.play(cc(64, 127)).base("/walk/mirror") is False


def test_one_that_is_held_on_stays_on_however_often_it_says_so():
    wired = WiredPatch(**{"cc/64": {"to": "/walk/mirror", "press": "hold"}})
    assert wired.play(*[cc(64, 127)] * 4).base("/walk/mirror") is True
    assert wired.play(cc(64, 0)).base("/walk/mirror") is False


def test_a_board_that_sends_a_held_button_all_the_time_presses_once():
    wired = WiredPatch(**{"cc/64": "/walk/mirror"}).play(cc(64, 0))
    for count in (1, 1, 3, 199):  # odd, or a switch thrown by each of them would stand where it stood
        assert wired.play(*[cc(64, 127)] * count, gap_s=0.01).base("/walk/mirror") is True


def test_a_fader_that_says_the_same_again_presses_nothing():
    wired = WiredPatch(**{"cc/64": "/walk/mirror"})
    wired.play(*(cc(64, value) for value in (10, 40, 70, 100, 100, 100)))
    assert wired.base("/walk/mirror") is True


def test_a_coarse_half_that_stays_while_its_fine_half_moves_presses_once():
    wired = WiredPatch(**{"cc/16": "/walk/mirror"})
    for value in range(64 << 7, 65 << 7, 8):
        wired.play(cc(16, value >> 7), gap_s=0.05).play(cc(48, value & 127), gap_s=0.001)
    assert wired.base("/walk/mirror") is True


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


# --- programs without a binding ---------------------------------------------------------------------------------------------


def test_a_program_change_loads_the_patch_of_that_place_on_the_shelf():
    wired = WiredPatch().play(program(1))
    assert wired.base("/patch/load") == "mandala"
    assert wired.play(program(2)).base("/patch/load") == "mandala"
    assert wired.bindings.unbound == 1


def test_what_the_board_does_not_have_is_counted_and_nothing_more():
    wired = WiredPatch(**{"cc/21": {"to": "/walk/gone", "takeover": "jump"}})
    wired.play(cc(21, 64))
    assert wired.bindings.refused == 1
