import threading
import timeit

import numpy as np
import pytest
from midi_board import features

from engine.remote.midi.notes import Notes


def read(notes: Notes) -> dict[str, float]:
    return {
        name.removeprefix("midi/"): value for name, value in notes.into(features()).values.items() if name.startswith("midi/")
    }


def test_a_show_that_nobody_plays_has_its_features_untouched():
    frame = features()
    assert Notes().into(frame) is frame


def test_a_held_note_has_gate_velocity_and_pitch():
    notes = Notes()
    notes.press("nano", 1, 64, 0.5, 0.0)
    assert read(notes) == {"gate": 1.0, "velocity": 0.5, "note": 64 / 127, "bend": 0.0, "pressure": 0.0}
    notes.lift("nano", 1, 64)
    assert read(notes) == {"gate": 0.0, "velocity": 0.5, "note": 64 / 127, "bend": 0.0, "pressure": 0.0}


def test_the_newest_held_note_is_the_one_whose_pitch_counts():
    notes = Notes()
    for note in (60, 67, 64):
        notes.press("nano", 1, note, 0.9, 0.0)
    assert read(notes)["note"] == 64 / 127
    notes.lift("nano", 1, 64)
    assert read(notes)["note"] == 67 / 127
    notes.press("nano", 1, 60, 0.9, 0.0)
    assert read(notes)["note"] == 60 / 127
    assert read(notes)["gate"] == 1.0


def test_chroma_holds_each_pitch_class_as_hard_as_its_hardest_note():
    notes = Notes()
    for note, velocity in ((60, 0.5), (72, 0.25), (67, 1.0)):
        notes.press("nano", 1, note, velocity, 0.0)
    expected = np.zeros(12, np.float32)
    expected[[0, 7]] = 0.5, 1.0
    held = notes.into(features()).vectors["midi/chroma"]
    np.testing.assert_array_equal(held, expected)
    notes.lift("nano", 1, 67)
    np.testing.assert_array_equal(held, expected)  # a frame that was handed out never changes


def test_wheel_and_pressure_of_channel_and_keys():
    notes = Notes()
    notes.bend("nano", -0.5)
    notes.squeeze("nano", 1, -1, 0.3)
    notes.press("nano", 1, 60, 1.0, 0.0)
    notes.squeeze("nano", 1, 60, 0.8)
    assert (read(notes)["bend"], read(notes)["pressure"]) == (-0.5, 0.8)
    notes.lift("nano", 1, 60)  # a key that is up presses nothing
    assert read(notes)["pressure"] == 0.3
    notes.squeeze("nano", 1, -1, 0.0)
    assert read(notes)["pressure"] == 0.0


def test_an_event_tells_when_and_how_hard_on_the_sample_clock():
    notes, frame = Notes(), features(tick=1874, t_heard=500.0)
    notes.press("nano", 1, 60, 0.75, 499.998)
    [event] = notes.into(frame).events
    assert (event.kind, event.strength) == ("note", 0.75)
    assert event.time_s == pytest.approx(10.0 - 0.002, abs=1e-6)
    assert notes.into(frame).events == ()  # once


def test_a_note_shorter_than_a_tick_is_an_event_all_the_same():
    notes = Notes()
    notes.press("nano", 1, 60, 0.75, 0.0)
    notes.lift("nano", 1, 60)
    assert [event.kind for event in notes.into(features()).events] == ["note"]


@pytest.mark.parametrize(("port", "channel", "left"), [("nano", 1, 2), ("nano", 0, 1), ("other", 0, 2), (None, 0, 0)])
def test_all_notes_off_of_a_channel_a_port_or_everything(port, channel, left):
    notes = Notes()
    for key in (("nano", 1, 60), ("nano", 2, 61), ("other", 1, 62)):
        notes.press(*key, 1.0, 0.0)
    notes.release(port, channel)
    assert np.count_nonzero(notes.into(features()).vectors["midi/chroma"]) == left
    assert read(notes)["gate"] == float(left > 0)


def test_a_lost_port_gives_its_wheel_back_and_leaves_that_of_another():
    notes = Notes()
    notes.bend("nano", 1.0)
    notes.release("other")
    assert read(notes)["bend"] == 1.0
    notes.release("nano")
    assert read(notes)["bend"] == 0.0


def test_ten_thousand_notes_in_one_tick_are_bounded():
    notes = Notes()
    for index in range(10_000):
        notes.press("nano", 1, index % 128, 1.0, 0.0)
    frame = notes.into(features())
    assert 0 < len(frame.events) <= 64
    assert frame.vectors["midi/chroma"].shape == (12,)


def test_a_tick_costs_next_to_nothing():
    notes, frame = Notes(), features()
    for note in range(60, 70):
        notes.press("nano", 1, note, 1.0, 0.0)
    notes.into(frame)
    best = min(timeit.repeat(lambda: notes.into(frame), number=1000, repeat=20)) / 1000
    assert best < 100e-6  # ten times the goal of 10 us


def test_reading_never_sees_half_a_chord():
    notes, wrong, ended = Notes(), [], threading.Event()

    def play() -> None:
        for _ in range(2000):
            notes.press("nano", 1, 60, 1.0, 0.0)
            notes.lift("nano", 1, 60)
        ended.set()

    player = threading.Thread(target=play)
    player.start()
    while not ended.is_set():
        frame = notes.into(features())
        if "midi/gate" in frame.values and frame.values["midi/gate"] != frame.vectors["midi/chroma"][0]:
            wrong.append(frame)
    player.join()
    assert not wrong
