import itertools
from itertools import pairwise

import pytest
from song import HOP_S, INFO, RATE_HZ, frame, step
from tempo_stand import Values, heard, nothing

from engine.control.patch import MACROS, load_patch
from engine.control.transport import Transport
from engine.core.types import Event, Tick
from engine.instrument.patch_player import PatchPlayer

PATCH = """
schema = 1
title = "Tied"
doc = "Tied to the beat."
[classes]
palette = { sea = 1.0 }
[route]
beat = { from = "event/beat", to = "/shader/flash/amount", amount = 1.0 }
bar = { from = "event/bar", to = "/shader/bloom/amount", amount = 0.5 }
phase = { from = "beat_phase", to = "/shader/zoom/angle", amount = 0.4 }
sure = { from = "tempo_confidence", to = "/shader/glitch/amount", amount = 0.5 }
[macro]
""" + "".join(f'{name} = {{ "/shader/grade/hue" = 0.1 }}\n' for name in MACROS)


@pytest.fixture
def play(tmp_path):
    """A performer of a patch whose picture is tied to the beat, and what plays it."""
    from song import tree

    path = tmp_path / "tied.toml"
    path.write_text(PATCH)
    within = tree()
    transport = Transport(HOP_S, within)
    player = PatchPlayer(load_patch(path), within, INFO, 1, RATE_HZ, round(RATE_HZ * HOP_S), transport=transport)

    def play(values: Values, until_s: float, from_s: float = 0.0) -> list[Tick]:
        ticks = range(round(from_s / HOP_S), round(until_s / HOP_S))
        return [step(player, frame(n, values((n + 1) * HOP_S)), play.latency_s) for n in ticks]

    play.transport, play.tree, play.player, play.latency_s = transport, within, player, 0.0
    return play


def lit(ticks: list[Tick], address: str) -> list[float]:
    """When a parameter that rests at 0 was hit."""
    return [b.time_s for a, b in pairwise(ticks) if b.params[address] > 0.4 >= a.params[address]]


def test_beats_of_hands_drive_a_patch_where_nothing_is_heard(play):
    play.tree.post("/tempo/bpm", 150.0)
    ticks = play(nothing, 10.0)
    hits, bars = lit(ticks, "/shader/flash/amount"), lit(ticks, "/shader/bloom/amount")
    assert [b - a for a, b in pairwise(hits)] == pytest.approx([0.4] * (len(hits) - 1), abs=1.1 * HOP_S)
    assert [b - a for a, b in pairwise(bars)] == pytest.approx([1.6] * (len(bars) - 1), abs=1.1 * HOP_S)
    assert set(bars) <= set(hits)
    assert len(bars) == 6
    assert ticks[-1].params["/shader/glitch/amount"] == pytest.approx(0.5)
    phases = [tick.params["/shader/zoom/angle"] for tick in ticks[20:]]
    assert max(phases) - min(phases) > 0.35
    assert ticks[-1].music.source == "hands"


def test_a_patch_at_rest_has_no_beats(play):
    ticks = play(nothing, 6.0)
    assert not lit(ticks, "/shader/flash/amount")
    assert not lit(ticks, "/shader/bloom/amount")


def test_beats_that_are_heard_drive_a_patch_and_come_earlier_by_the_latency(play):
    values = heard(120.0)
    late = lit(play(values, 8.0), "/shader/flash/amount")[-8:]
    play.latency_s = 0.06
    early = lit(play(values, 16.0, 8.0), "/shader/flash/amount")[-8:]
    assert [t % 0.5 for t in late] == pytest.approx([0.0] * 8, abs=1.2 * HOP_S)
    assert [t % 0.5 for t in early] == pytest.approx([0.44] * 8, abs=1.2 * HOP_S)


def test_a_drop_that_is_heard_moves_the_bar_only_where_what_is_heard_keeps_the_beat(play):
    values = heard(120.0)
    play(values, 8.6)
    step(play.player, frame(round(8.6 / HOP_S), values(8.6), (Event("drop", 8.5, 1.0),)))
    bars = lit(play(values, 20.0, 8.6), "/shader/bloom/amount")
    assert [t % 2.0 for t in bars[-3:]] == pytest.approx([0.5] * 3, abs=1.2 * HOP_S)
    play.tree.post("/tempo/hold", True)
    play(values, 20.1, 20.0)
    step(play.player, frame(round(20.1 / HOP_S), values(20.1), (Event("drop", 20.0, 1.0),)))
    bars = lit(play(values, 32.0, 20.1), "/shader/bloom/amount")
    assert [t % 2.0 for t in bars[-3:]] == pytest.approx([0.5] * 3, abs=1.2 * HOP_S)


def test_panic_gives_the_tempo_back():
    from engine.instrument.instrument import RATE_HZ as ANALYSED_HZ
    from engine.instrument.instrument import Instrument, find_patch

    instrument = Instrument(find_patch("first-light"), INFO)
    assert ANALYSED_HZ == RATE_HZ
    instrument.tree.post("/tempo/bpm", 150.0)
    instrument.tree.post("/sync/offset_ms", 40.0)
    instrument.tree.post("/sync/calibrate", True)
    assert step(instrument.player, frame(0)).music.source == "hands"
    instrument.tree.post("/panic", 1)
    tick = step(instrument.player, frame(1))
    assert (tick.music.source, tick.music.bpm) == ("rest", 120.0)
    assert instrument.tree.leaf("/sync/calibrate").base is False
    assert instrument.tree.leaf("/sync/offset_ms").base == 40.0  # of the projector, not of the patch


def test_panic_takes_back_half_nudge_and_resync_of_what_is_heard():
    from engine.instrument.instrument import Instrument, find_patch

    instrument, values, hops = Instrument(find_patch("first-light"), INFO), heard(120.0), itertools.count()

    def play(seconds: float) -> list[Tick]:
        return [
            step(instrument.player, frame(n, values((n + 1) * HOP_S))) for n in itertools.islice(hops, round(seconds / HOP_S))
        ]

    play(6.0)
    for name, value in (("half", 1), ("nudge", 0.25), ("resync", 1)):
        instrument.tree.post(f"/tempo/{name}", value)
    assert play(6.0)[-1].music.bpm == 60.0
    assert any(instrument.transport.state()["nudges"].values())
    assert instrument.transport.state()["resynced"] == ["analysis"]
    instrument.tree.post("/panic", 1)
    ticks = play(12.0)
    assert ticks[-1].music.bpm == instrument.tree.leaf("/tempo/bpm").base == 120.0
    off = (ticks[-1].music.beats - ticks[-1].time_s * 2.0 + 0.5) % 1.0 - 0.5
    assert abs(off) < 0.01
    told = instrument.transport.state()
    assert (told["factors"], told["nudges"], told["resynced"]) == (*({"clock": x, "analysis": x} for x in (1.0, 0.0)), [])


def test_musical_time_goes_on_through_a_change_of_model():
    from engine.instrument.instrument import Instrument, find_patch

    instrument = Instrument(find_patch("first-light"), INFO)
    for n in range(1000):
        before = step(instrument.player, frame(n)).music
    instrument.change_model(INFO)
    after = step(instrument.player, frame(1000)).music
    assert after.beats == pytest.approx(before.beats + 2.0 * HOP_S)
