import secrets
from itertools import pairwise

import music
import numpy as np
import pytest
from listening import compose, listen, times


def near(bpm, truth):
    """Within 2% of the tempo or an octave of it."""
    return min(abs(bpm / truth * octave - 1.0) for octave in (0.5, 1.0, 2.0)) < 0.02


@pytest.mark.parametrize("kind", ["drums", "mixed"])
def test_tempo_is_right_after_8_s(judge, kind):
    def right(style, score, frames, seed):
        start_s = min(note.start_s for note in score.notes)
        bpm = [frame.values["tempo_bpm"] for frame in frames if frame.time_s > start_s + 8.0]
        share = np.mean([near(value, score.bpm) for value in bpm])
        print(f"{kind} {style}: {np.median(bpm):.1f} BPM, truth {score.bpm:.1f}, right {share:.2f} of the time (seed {seed})")
        return near(np.median(bpm), score.bpm) and share >= 0.8

    judge(kind, right)


@pytest.mark.soak
@pytest.mark.skipif(not music.available, reason="needs fluidsynth and the TimGM6mb soundfont")
def test_tempo_of_sixty_pieces():
    right = []
    for number in range(60):
        style, seed = music.STYLES[number % len(music.STYLES)], secrets.randbelow(1000)
        score, frames = compose(style, ("drums", "mixed")[number // 3 % 2], seed)
        start_s = min(note.start_s for note in score.notes)
        bpm = np.median([frame.values["tempo_bpm"] for frame in frames if frame.time_s > start_s + 8.0])
        right.append(near(bpm, score.bpm))
        if not right[-1]:
            print(f"{style}, seed {seed}: {bpm:.1f} BPM, truth {score.bpm:.1f}")
    assert np.mean(right) >= 0.95


def clicks(bpm, seconds, seed=1):
    rng = np.random.default_rng(seed)
    sound = np.zeros(int(48000 * seconds), np.float32)
    for start in np.arange(0.5, seconds - 0.1, 60.0 / bpm):
        place = int(start * 48000)
        sound[place : place + 1500] += (0.3 * rng.standard_normal(1500) * np.exp(-np.arange(1500) / 400)).astype(np.float32)
    return sound


def test_the_clock_locks_and_stays_steady():
    beats = times(listen(clicks(126.0, 14.0)), "beat")
    late = beats[beats > 8.0]
    phase_ms = ((late - 0.5) * 126 / 60 + 0.5) % 1.0 - 0.5
    assert beats[0] < 5.0
    assert np.abs(phase_ms * 60000 / 126).max() < 25.0
    assert np.abs(np.diff(late) * 126 / 60 - 1.0).max() < 0.04


def test_the_clock_runs_on_through_a_break():
    sound = np.concatenate([clicks(120.0, 12.5), np.zeros(4 * 48000, np.float32)])
    beats = times(listen(sound), "beat")
    inside = beats[beats > 13.0]
    assert len(inside) >= 6
    assert np.abs(((inside - 0.5) * 2 + 0.5) % 1.0 - 0.5).max() < 0.1


def test_phase_and_counters_agree():
    frames = listen(clicks(120.0, 12.0))
    for before, after in pairwise(frames):
        assert after.values["beat_count"] - before.values["beat_count"] in (0.0, 1.0)
        assert 0.0 <= after.values["beat_phase"] < 1.0
        assert 0.0 <= after.values["bar_phase"] < 1.0
    assert frames[-1].values["bar_count"] >= 3
