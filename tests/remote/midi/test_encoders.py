import pytest

from engine.control.midi_table import ENCODINGS
from engine.remote.midi.encoders import KNOWN, recognise, turn

CODES = {  # one and three clicks more, one and three less, and none
    "complement": ((1, 3), (127, 125), 0),
    "sign": ((1, 3), (65, 67), 0),
    "offset": ((65, 67), (63, 61), 64),
    "offset16": ((17, 19), (15, 13), 16),
}


@pytest.mark.parametrize("encoding", CODES)
def test_encoders_turn_as_far_one_way_as_the_other(encoding):
    more, less, rest = CODES[encoding]
    assert [turn(value, encoding) * 128 for value in more] == [1, 3]
    assert [turn(value, encoding) * 128 for value in less] == [-1, -3]
    assert turn(rest, encoding) == 0.0


def test_an_encoder_of_127_and_0_makes_one_click_of_each():
    assert [turn(value, "ends") * 128 for value in (127, 0, 64, 1)] == [1, -1, 0, 0]


def test_every_encoding_that_a_patch_may_name_turns_both_ways():
    for encoding in ENCODINGS:
        turns = [turn(value, encoding) for value in range(128)]
        assert min(turns) < 0.0 < max(turns)
        assert max(map(abs, turns)) <= 8 / 128, "an encoder that accelerates is held to eight clicks a message"


@pytest.mark.parametrize("encoding", KNOWN)
@pytest.mark.parametrize("rests", [False, True], ids=["clicks alone", "a rest after each"])
def test_an_encoder_that_was_turned_both_ways_is_recognised(encoding, rests):
    (one, three), (less, less3), rest = CODES[encoding]
    turned = [one, one, three, one, less, less, less3, less]
    if rests:
        turned = [value for click in turned for value in (click, rest)]
    assert recognise(turned) == encoding
    assert recognise(turned[: len(turned) // 2]) is None, "one way alone may be a switch, or a sender that repeats itself"


@pytest.mark.parametrize(
    "values",
    [
        range(128),  # a knob from one end to the other,
        [61, 62, 63, 64, 65, 66, 65, 64, 63],  # or moved to and fro about its middle,
        [64, 64, 65, 63, 64, 65, 64, 64, 63],  # or that trembles where it stands
        [0, 127, 0, 127, 0, 127],  # a button
        [127] * 8,  # one that tells of no release
        [0] * 8,
        [1] * 8,  # a sender that repeats itself
        [60, 60, 75, 75, 64, 64],
        [],
    ],
    ids=lambda values: " ".join(map(str, list(values)[:4])),
)
def test_what_else_a_controller_sends_is_no_encoder(values):
    assert recognise(list(values)) is None
