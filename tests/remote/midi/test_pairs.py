import pytest

from engine.remote.midi.controls import PAIR_S
from engine.remote.midi.pairs import Pairs

KNOB = ("nano", 1, 16)
COARSE, FINE = False, True


def together(pairs: Pairs, value: int, at: float, order=(COARSE, FINE)) -> list[int]:
    """What is seen, in steps of 14 bits, when both halves of a value come, a little apart."""
    halves, seen = {COARSE: value >> 7, FINE: value & 127}, []
    for place, fine in enumerate(order):
        seen.append(pairs.take(KNOB, fine, halves[fine], at + place * PAIR_S / 4))
    return [round(position * 16383) for position in seen if position is not None]


@pytest.mark.parametrize("order", [(COARSE, FINE), (FINE, COARSE)], ids=["coarse first", "fine first"])
def test_both_halves_of_14_bits_make_one_position_and_nothing_in_between(order):
    pairs, seen = Pairs(), []
    together(pairs, 8192, -1.0, order)  # the first time nobody knows that another half follows
    for value in (0, 127, 128, 8191, 8192, 16383):
        seen += together(pairs, value, value / 100.0, order)
        assert pairs.due(value / 100.0 + 1.0) == []
    assert seen == [0, 127, 128, 8191, 8192, 16383]


def test_a_coarse_half_alone_moves_at_once_over_the_whole_way():
    pairs = Pairs()
    assert [pairs.take(KNOB, COARSE, value, value / 100.0) for value in (0, 64, 127)] == [0.0, 64 / 127, 1.0]
    assert not pairs.waiting


def test_and_so_does_a_fine_one_whose_coarse_half_never_comes():
    pairs = Pairs()
    assert pairs.take(KNOB, FINE, 127, 0.0) is None, "the coarse half may be on its way"
    assert pairs.due(2 * PAIR_S) == [(KNOB, 1.0)]
    assert [pairs.take(KNOB, FINE, value, 1.0 + value) for value in (0, 127)] == [0.0, 1.0]


@pytest.mark.parametrize("gap_s", [PAIR_S / 8, PAIR_S / 2, 0.1])
@pytest.mark.parametrize("known", [False, True], ids=["from the first", "of a sender of both"])
def test_halves_that_repeat_move_it_however_fast_they_come(known, gap_s):
    pairs = Pairs()
    if known:
        together(pairs, 64 << 7, 0.0)
    positions = [pairs.take(KNOB, COARSE, value, 1.0 + place * gap_s) for place, value in enumerate((0, 0, 127, 127, 127))]
    late = pairs.due(10.0)
    if not known:
        assert positions == [0.0, 0.0, 1.0, 1.0, 1.0]
        assert not late
    else:
        assert positions[1:] == [0.0, 1.0, 1.0, 1.0]
        assert late == [(KNOB, 1.0)]


def test_a_half_that_follows_as_a_rule_moves_at_once_without_the_other():
    pairs = Pairs()
    together(pairs, 64 << 7 | 32, 0.0)
    assert round(pairs.take(KNOB, FINE, 70, 1.0) * 16383) == 64 << 7 | 70
    assert not pairs.waiting


def test_a_half_that_leads_as_a_rule_counts_alone_after_a_moment():
    pairs = Pairs()
    together(pairs, 64 << 7 | 32, 0.0)
    assert pairs.take(KNOB, COARSE, 70, 1.0) is None
    assert pairs.waiting
    assert pairs.due(1.0 + PAIR_S / 2) == []
    [(knob, position)] = pairs.due(1.0 + 2 * PAIR_S)
    assert knob == KNOB
    assert round(position * 16383) == 70 << 7 | 32
    assert not pairs.waiting
    pairs.take(KNOB, COARSE, 127, 2.0)
    assert pairs.due(3.0) == [(KNOB, 1.0)]


def test_whoever_came_in_between_two_halves_learns_their_order():
    pairs = Pairs()
    pairs.take(KNOB, FINE, 5, 0.0)
    together(pairs, 64 << 7, PAIR_S / 2)  # taken for a coarse half that follows
    pairs.due(1.0)
    assert together(pairs, 20 << 7 | 9, 2.0) == [20 << 7 | 9]


def test_what_a_lost_port_began_is_never_finished():
    pairs = Pairs()
    pairs.take(KNOB, FINE, 64, 0.0)
    pairs.forget("nano")
    assert not pairs.waiting
    assert pairs.due(1.0) == []
