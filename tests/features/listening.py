"""Runs the analysis over whole sounds."""

import music
import numpy as np

from engine.features.analysis.analyser import Analysis


def listen(sound, hop=256, rate_hz=music.RATE_HZ, analysis=None):
    """The frames of a whole sound."""
    analysis = analysis or Analysis(rate_hz, hop)
    return [analysis.step({"main": sound[i : i + hop]}, 0.0) for i in range(0, len(sound) - hop + 1, hop)]


def times(frames, kind):
    """Times of all events of a kind."""
    return np.array([event.time_s for frame in frames for event in frame.events if event.kind == kind])


def compose(style, kind, seed):
    """A piece of a style, drums alone or mixed: its score, and its frames."""
    score = music.write(style, np.random.default_rng(seed))
    part = score.only(9) if kind == "drums" else score
    return part, listen(music.render(part))


UNITS = ("_db", "_hz", "_bpm", "_count")  # endings of names whose numbers are not of 0..1


def music_like(seconds, seed=0, level=0.2):
    """Noise that pulses over a tone, (n,)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * 48000)) / 48000
    pulse = np.exp(-(time_s % 0.25) / 0.05)
    return (level * (pulse * rng.standard_normal(time_s.size) * 0.5 + np.sin(2 * np.pi * 196 * time_s))).astype(np.float32)


def check_sane(frame):
    """Every value finite, and of 0..1 unless its name carries a unit; every event within the time so far."""
    for key, value in frame.values.items():
        assert np.isfinite(value), key
        if not key.endswith(UNITS):
            assert 0.0 <= value <= 1.0, f"{key} {value}"
    for key, vector in frame.vectors.items():
        assert vector.dtype == np.float32, key
        assert np.isfinite(vector).all(), key
        assert vector.min() >= 0.0, key
        assert vector.max() <= 1.0, key
    for event in frame.events:
        assert 0.0 <= event.strength <= 1.0, event
        assert 0.0 <= event.time_s <= frame.time_s + 1e-9, event
