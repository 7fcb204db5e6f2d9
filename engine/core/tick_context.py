"""Where in the music one step of control happens: shared by everything that is stepped once a tick."""

from dataclasses import dataclass

from engine.core.types import FeatureFrame

BEATS_A_BAR = 4


@dataclass(slots=True)
class TickContext:
    """The present tick. `bars` and `beats` count musical time since the start and never run backwards.

    They are those of the picture: on a steady beat ahead of the sound by as much as the picture takes to be seen.
    `features` is the newest frame of what is heard: `features.values["loudness"]`, and so on for vectors and events.
    One object is updated in place every tick: read it, do not keep it.
    """

    features: FeatureFrame
    tick: int = 0
    time_s: float = 0.0
    dt_s: float = 0.0
    beats: float = 0.0
    bars: float = 0.0
    pace: float = 0.0  # bars a second
    beat_now: bool = False  # a beat began in this tick
    bar_now: bool = False
    audio: float = 1.0  # how much of what is heard may reach the picture: /audio/amount
    bpm: float = 0.0  # the tempo in force; 0 before there is one
    sure: float = 0.0  # of the beat, 0..1
    steady: bool = False  # whether beats are sure enough to be events
    phrases: int = 0  # of eight bars, counted since the start
