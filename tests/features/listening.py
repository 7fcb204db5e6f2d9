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
