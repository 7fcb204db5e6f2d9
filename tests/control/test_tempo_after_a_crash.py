import json
import math

import pytest
from song import HOP_S
from tempo_stand import Sender, Stand, Values, heard, nothing, on_grid


def came_back(old: Stand, away_s: float, values: Values) -> Stand:
    """Another stand that goes on with what is kept of one that fell: bases, and the meter's state, written as JSON."""
    new = Stand(values)
    for address, leaf in old.tree.leaves().items():
        if leaf.param.kind != "trigger":
            new.tree.set_base(address, leaf.base)
    assert new.transport.restore(json.loads(json.dumps(old.transport.state()))) == []
    new.tick = old.tick + round(away_s / HOP_S)
    return new


@pytest.mark.parametrize("kept_by", ["analysis", "clock", "hands"])
def test_a_show_that_comes_back_has_its_bars_where_hands_put_them(kept_by):
    stand = Stand(heard(120.0) if kept_by == "analysis" else nothing)
    if kept_by == "clock":
        Sender(stand, 120.0, 0.0, math.inf)
    elif kept_by == "hands":
        stand.press(1.0, "bpm", 120.0)
    stand.press(6.5, "resync")
    stand.run(10.0)
    # Who listens anew counts other bars: the clock from the first pulse that it gets, the analysis by its own guess.
    new = came_back(stand, 2.4, heard(120.0, 1.0) if kept_by == "analysis" else nothing)
    if kept_by == "clock":
        Sender(new, 120.0, 12.5, math.inf)
    new.run(30.0)
    assert new.transport.source == kept_by
    assert on_grid([t for t in new.firsts if t > 14.0], 6.5, 2.0, 2.1 * HOP_S)
    assert new.never_went_back()


def test_a_show_that_comes_back_follows_at_half_and_nudged_as_it_did():
    stand = Stand(heard(120.0))
    stand.press(5.0, "half")
    stand.press(6.0, "nudge", 0.25)
    stand.run(10.0)
    new = came_back(stand, 1.0, heard(120.0))
    new.run(30.0)
    assert new.transport.music.bpm == 60.0
    assert on_grid([t for t, _ in new.hits if t > 14.0], stand.hits[-1][0], 1.0)
    assert new.never_went_back()


def test_a_show_that_comes_back_much_later_or_on_another_machine_begins_its_bars_anew():
    stand = Stand()
    stand.press(1.0, "bpm", 120.0)
    stand.press(6.5, "resync")
    stand.run(10.0)
    for away_s in (3600.0, -8.0):
        new = came_back(stand, away_s, nothing)
        first_s = new.tick * HOP_S
        new.run(first_s + 12.0)
        assert on_grid([t - first_s for t in new.firsts], 2.0, 2.0, 2 * HOP_S)


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "beat",
        {"factors": 3, "nudges": None},
        {"factors": {"clock": 99.0, "analysis": True}, "nudges": {"clock": math.nan, "analysis": "1"}},
        {"factors": {"clock": None}, "place": 9.0, "t_heard": 1.0, "resynced": 5},
        {"place": 1.0, "t_heard": math.inf, "resynced": {"clock": 1}},
    ],
)
def test_what_is_no_state_of_a_meter_is_refused_and_changes_nothing(state):
    stand, fresh = Stand(heard(120.0)), Stand(heard(120.0))
    refused = stand.transport.restore(state)
    assert refused
    assert all("expected" in message and "; got " in message and "; kept " in message for message in refused)
    for one in (stand, fresh):
        one.run(8.0)
    assert (stand.sounds, stand.bars) == (fresh.sounds, fresh.bars)
