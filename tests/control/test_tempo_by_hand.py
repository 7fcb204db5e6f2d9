import pytest
from song import HOP_S, frame
from tempo_stand import Stand, heard, nothing, on_grid


def test_two_taps_take_the_tempo_and_every_tap_is_a_beat():
    stand = Stand(heard(127.0))
    stand.press(5.013, "tap")
    stand.run(5.5)
    assert stand.transport.source == "analysis"
    stand.press(5.613, "tap")
    stand.run(12.0)
    assert stand.transport.music.source == "hands"
    assert stand.base("bpm") == pytest.approx(100.0)
    assert stand.base("hold") is True
    assert on_grid(stand.beats_between(6.3, 12.0), 5.613, 0.6)
    assert stand.never_went_back()


def test_a_tap_counts_where_it_was_pressed_not_where_it_was_taken():
    stand = Stand()
    for n in range(4):
        stand.press(2.003 + 0.5 * n, "tap")
    stand.press(4.09, "tap", at_s=4.043)  # a key that waited for the next picture
    stand.run(9.0)
    assert on_grid(stand.beats_between(5.0, 9.0), 4.043, 0.5, 2.1 * HOP_S)


def test_one_tap_moves_the_beat_of_a_tempo_that_hands_hold():
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(6.2, "tap")
    stand.run(12.0)
    assert on_grid(stand.beats_between(6.8, 12.0), 6.2, 0.5)
    assert stand.never_went_back()


def test_a_tap_is_followed_within_a_beat_from_wherever_the_clock_stood():
    for late in range(10):
        stand = Stand()
        stand.press(1.0, "bpm", 90.0)
        stand.press(5.0 + late / 15, "tap")
        stand.run(8.0)
        pressed = 5.0 + late / 15
        now = stand.sounds[round((pressed + 60 / 90 + 2 * HOP_S) / HOP_S)]
        assert min(now % 1.0, 1.0 - now % 1.0) < 0.05
        assert stand.never_went_back()


@pytest.mark.parametrize("pressed_s", [6.0, 6.1, 6.4, 7.0, 7.3, 7.9])
def test_resync_is_the_one_of_the_bar_for_hands(pressed_s):
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(pressed_s, "resync")
    stand.run(16.0)
    assert on_grid([t for t in stand.firsts if t > pressed_s + 2.1], pressed_s, 2.0)
    assert on_grid(stand.beats_between(pressed_s + 0.6, 16.0), pressed_s, 0.5)
    assert stand.never_went_back()


@pytest.mark.parametrize("pressed_s", [10.03, 10.47, 11.02, 11.53])
def test_resync_moves_the_bar_of_what_is_heard_to_the_nearest_beat(pressed_s):
    stand = Stand(heard(120.0))
    stand.press(pressed_s, "resync")
    stand.run(20.0)
    assert stand.transport.source == "analysis"
    assert on_grid([t for t in stand.firsts if t > pressed_s + 2.1], round(pressed_s * 2) / 2, 2.0)
    assert on_grid(stand.beats_between(5.0, 20.0), 0.0, 0.5)  # beats stay where they are heard
    assert stand.never_went_back()


@pytest.mark.parametrize(("name", "bpm"), [("half", 60.0), ("double", 240.0)])
def test_half_and_double_of_hands_keep_the_beat_and_the_bar(name, bpm):
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(4.1, "resync")
    stand.press(8.1, name)  # on a one
    stand.run(24.0)
    assert stand.base("bpm") == bpm
    assert on_grid(stand.beats_between(9.2, 24.0), 8.1, 60.0 / bpm)
    assert on_grid([t for t in stand.firsts if t > 9.2], 8.1, 240.0 / bpm)
    assert stand.never_went_back()


@pytest.mark.parametrize(("name", "bpm"), [("half", 60.0), ("double", 240.0)])
def test_half_and_double_stay_on_what_is_heard_until_hands_let_go(name, bpm):
    stand = Stand(heard(120.0))
    stand.press(8.1, name)
    stand.run(24.0)
    assert stand.transport.source == "analysis"
    assert stand.base("bpm") == bpm
    assert on_grid(stand.beats_between(10.0, 24.0), 0.0, 60.0 / bpm)
    firsts = [t for t in stand.firsts if t > 11.0]
    assert on_grid(firsts, firsts[0], 240.0 / bpm)
    assert on_grid(firsts, 0.0, 2.0 if name == "half" else 1.0)  # bars begin where a bar is heard to begin
    stand.press(24.1, "release")
    stand.run(34.0)
    assert stand.base("bpm") == 120.0
    assert on_grid(stand.beats_between(26.0, 34.0), 0.0, 0.5)
    assert stand.never_went_back()


def test_two_presses_between_two_hops_are_two():
    stand = Stand(heard(120.0))
    stand.run(6.0)
    for value in (0.02, 0.03):
        stand.tree.post("/tempo/nudge", value)
        stand.tree.post("/tempo/half", 1)
    stand.transport.step(frame(stand.tick, stand.values((stand.tick + 1) * HOP_S)), stand.tree.apply(stand.tree.take())[0])
    assert stand.transport.state()["nudges"]["analysis"] == pytest.approx(0.05)
    assert stand.transport.music.bpm == 30.0


def test_a_tempo_out_of_reach_is_not_taken():
    stand = Stand()
    stand.press(1.0, "bpm", 30.0)
    stand.press(2.0, "half")
    stand.run(3.0)
    assert stand.base("bpm") == 30.0
    stand.press(3.0, "bpm", 1000.0)
    stand.run(4.0)
    assert stand.base("bpm") == 400.0


@pytest.mark.parametrize("values", [nothing, heard(120.0)])
def test_a_nudge_brings_the_beats_forward_once(values):
    stand = Stand(values)
    if values is nothing:
        stand.press(0.0, "bpm", 120.0)
    stand.run(5.0)
    before = stand.beats_between(3.0, 5.0)
    stand.press(5.0, "nudge", 0.2)
    stand.press(5.2, "nudge", 0.1)
    stand.run(5.4)
    assert stand.base("nudge") == 0.0
    stand.run(12.0)
    assert on_grid(stand.beats_between(8.0, 12.0), before[0] - 0.15, 0.5, 2.1 * HOP_S)
    stand.press(12.0, "nudge", -0.3)
    stand.run(18.0)
    assert on_grid(stand.beats_between(14.0, 18.0), before[0], 0.5, 2.1 * HOP_S)
    assert stand.never_went_back()


def test_a_query_of_bpm_answers_the_tempo_in_force_whoever_keeps_it():
    stand = Stand(heard(127.0, until_s=10.0))
    assert stand.base("bpm") == 120.0
    stand.run(5.0)
    assert stand.base("bpm") == 127.0
    stand.press(5.0, "bpm", 140.0)
    stand.run(6.0)
    assert (stand.base("bpm"), stand.transport.source) == (140.0, "hands")
    stand.press(6.0, "release")
    stand.run(7.0)
    assert (stand.base("bpm"), stand.base("hold"), stand.transport.source) == (127.0, False, "analysis")
    stand.run(20.0)  # nothing is heard any more: it goes on
    assert (stand.base("bpm"), stand.transport.source) == (127.0, "analysis")


def test_hold_keeps_the_tempo_as_it_is_and_letting_go_follows_again():
    stand = Stand(lambda t: heard(127.0 if t < 6.0 else 135.0)(t))
    stand.press(5.0, "hold", True)
    stand.run(10.0)
    assert (stand.base("bpm"), stand.transport.source) == (127.0, "hands")
    stand.press(10.0, "hold", False)
    stand.run(11.0)
    assert (stand.base("bpm"), stand.transport.source) == (135.0, "analysis")


def test_hands_of_a_show_that_crashed_hold_on():
    stand = Stand(heard(90.0))
    for name, value in (("bpm", 133.0), ("hold", True)):
        stand.tree.set_base(f"/tempo/{name}", value)
    stand.run(4.0)
    assert (stand.transport.music.bpm, stand.transport.source) == (133.0, "hands")


def test_a_patch_or_the_command_line_may_say_how_fast_a_show_rests_and_what_is_heard_goes_before():
    stand = Stand(lambda t: heard(90.0)(t) if t > 4.0 else {})
    stand.tree.set_base("/tempo/bpm", 100.0)
    stand.run(4.0)
    assert (stand.transport.music.bpm, stand.transport.source) == (100.0, "rest")
    assert stand.sounds[-1] == pytest.approx(4.0 * 100 / 60, abs=0.01)
    stand.run(6.0)
    assert (stand.transport.music.bpm, stand.transport.source) == (90.0, "analysis")
