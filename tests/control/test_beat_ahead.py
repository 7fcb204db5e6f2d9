import math

import numpy as np
import pytest
from song import HOP_S, RATE_HZ
from tempo_stand import Sender, Stand, heard, nothing, on_grid

from engine.bench.kick_player import kick
from engine.control.transport import Transport
from engine.features.analysis.analyser import Analysis


def leads(stand: Stand, from_s: float, period_s: float, first_s: float) -> list[float]:
    """By how much each beat of the picture came before the sound's."""
    hits = [t for t, _ in stand.hits if t > from_s]
    assert len(hits) > 5
    return [(first_s - t + 0.5 * period_s) % period_s - 0.5 * period_s for t in hits]


@pytest.mark.parametrize("latency_s", [0.0, 0.03, 0.085, 0.2])
@pytest.mark.parametrize("kept_by", ["analysis", "clock", "hands"])
def test_on_a_steady_beat_the_picture_leaves_by_its_latency_before_the_sound(latency_s, kept_by):
    stand = Stand(heard(125.0) if kept_by == "analysis" else nothing)
    if kept_by == "clock":
        Sender(stand, 125.0, 0.0, math.inf)
    elif kept_by == "hands":
        for n in range(4):
            stand.press(0.48 * (n + 1), "tap")
    stand.latency_s = latency_s
    stand.run(16.0)
    assert stand.transport.source == kept_by
    assert leads(stand, 6.0, 0.48, 0.0) == pytest.approx([latency_s] * len(leads(stand, 6.0, 0.48, 0.0)), abs=1.2 * HOP_S)
    assert stand.transport.music.ahead_s == pytest.approx(latency_s, abs=1e-6)
    assert stand.never_went_back()


def test_offset_ms_is_added_and_may_put_the_picture_after_the_sound():
    stand = Stand(heard(120.0))
    stand.latency_s = 0.05
    for offset_ms in (60.0, -120.0, 0.0):
        stand.tree.set_base("/sync/offset_ms", offset_ms)
        start_s = stand.tick * HOP_S
        stand.run(start_s + 8.0)
        assert leads(stand, start_s + 4.0, 0.5, 0.0) == pytest.approx([0.05 + offset_ms / 1e3] * 8, abs=1.2 * HOP_S)
        assert on_grid(stand.beats_between(start_s + 2.0, start_s + 8.0), 0.0, 0.5)  # the sound's stay
    assert stand.never_went_back()


def test_a_beat_that_is_not_steady_is_not_foretold_and_is_no_event():
    stand = Stand(lambda t: heard(120.0, confidence=0.3 if t < 6.0 else 0.8 if t < 12.0 else 0.1)(t))
    stand.latency_s = 0.1
    stand.run(5.9)
    assert stand.transport.music.ahead_s == 0.0
    assert not stand.hits
    stand.run(11.9)
    assert stand.transport.music.ahead_s == pytest.approx(0.1)
    assert len(stand.hits) >= 11
    count = len(stand.hits)
    stand.run(18.0)
    assert stand.transport.music.ahead_s == pytest.approx(0.0, abs=1e-6)
    assert len(stand.hits) <= count + 1
    assert stand.never_went_back()


def test_while_calibrating_even_a_show_at_rest_leads():
    stand = Stand()
    stand.latency_s = 0.08
    stand.tree.set_base("/sync/calibrate", True)
    stand.run(3.0)
    assert stand.transport.music.ahead_s == pytest.approx(0.08)


def test_a_latency_that_is_measured_anew_every_frame_makes_no_beat_late_or_double():
    stand = Stand(heard(120.0))
    for second in range(1, 30):
        stand.latency_s = 0.03 + 0.05 * (second % 3)
        stand.run(float(second))
    numbers = [number for _, number in stand.hits]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert stand.never_went_back()


def test_before_real_kicks_the_picture_leaves_by_its_latency():
    """Kicks through the analysis, as in a show: the picture's beats against the beats that the analysis hears."""
    bpm, latency_s, hop = 126.0, 0.07, round(RATE_HZ * HOP_S)
    sound = np.zeros(18 * RATE_HZ, np.float32)
    drum = kick()
    for n in range(int(18.0 * bpm / 60.0) - 1):
        at = round(n * 60.0 / bpm * RATE_HZ)
        sound[at : at + len(drum)] += drum
    analysis, transport = Analysis(RATE_HZ, hop), Transport(HOP_S)
    beats, hits = [], []
    for n, part in enumerate(sound.reshape(-1, hop)):
        features = analysis.step({"main": part}, (n + 1) * HOP_S)
        context = transport.step(features, (), latency_s)
        beats += [event.time_s for event in features.events if event.kind == "beat" and features.time_s > 10.0]
        if context.beat_now and context.steady and 10.0 < features.time_s < 17.5:
            hits.append(features.time_s)
    ahead = [min((beat - hit for beat in beats if beat > hit), default=0.0) for hit in hits]
    print(f"ahead of the heard beat by {1e3 * min(ahead):.1f} to {1e3 * max(ahead):.1f} ms, asked {1e3 * latency_s:.0f}")
    assert len(hits) > 12
    assert ahead == pytest.approx([latency_s] * len(ahead), abs=1.2 * HOP_S)
    period_s = 60.0 / bpm
    off = [(hit + latency_s + 0.5 * period_s) % period_s - 0.5 * period_s for hit in hits]
    assert max(map(abs, off)) < 0.025  # of the kick that is played
