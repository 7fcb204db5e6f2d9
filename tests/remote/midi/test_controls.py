import mido
import pytest

from engine.remote.midi.controls import bend, read_touch


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
