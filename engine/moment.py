"""Where in the music one step of control happens: shared by everything that is stepped once a tick."""

import math
from dataclasses import dataclass

from engine.types import FeatureFrame, Music

RESTING_BPM = 120.0  # the pace of a show that has heard no beat yet
SURE = 0.2  # the tempo confidence from which the clock follows
PULL_S = 0.3  # how fast the bar clock is drawn to the heard bar
BEATS_A_BAR = 4


@dataclass(slots=True)
class Moment:
    """The present tick. `bars` and `beats` count musical time since the start and never run backwards.

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


class Meter:
    """The musical clock: follows the heard tempo and bar phase, and runs on at the last tempo where none is heard."""

    def __init__(self, hop_s: float) -> None:
        self.hop_s = hop_s
        self.bpm = RESTING_BPM
        self._one = 0.0  # the heard bar phase at which bars are taken to begin
        self._heard = False
        self._moment: Moment | None = None

    @property
    def music(self) -> Music:
        """The musical time in force at the newest step."""
        beats = 0.0 if self._moment is None else self._moment.beats
        return Music(self.bpm, beats, "analysis" if self._heard else "rest", 0.0)

    def step(self, features: FeatureFrame) -> Moment:
        """The moment of this hop. Hops that were never analysed pass as time, up to a second of them."""
        moment = self._moment
        if moment is None:
            moment = self._moment = Moment(features, tick=features.tick - 1)
        hops = min(max(features.tick - moment.tick, 1), max(1, int(1.0 / self.hop_s)))
        dt_s = hops * self.hop_s
        values = features.values
        heard = values.get("tempo_bpm", 0.0)
        locked = heard > 0.0 and values.get("tempo_confidence", 0.0) >= SURE
        if locked:
            self.bpm, self._heard = heard, True
        pace = self.bpm / (60.0 * BEATS_A_BAR)
        advance = dt_s * pace
        if locked and "bar_phase" in values:
            for event in features.events:
                if event.kind == "drop":  # nothing says more clearly where the one is; beats stay beats
                    phase = values["bar_phase"] - (features.time_s - event.time_s) * pace
                    self._one = round(phase * BEATS_A_BAR) / BEATS_A_BAR % 1.0
            error = values["bar_phase"] - self._one - (moment.bars + advance) % 1.0
            error -= math.floor(error + 0.5)  # the nearer way round, -1/2..1/2
            advance = max(0.0, advance + error * (1.0 - math.exp(-dt_s / PULL_S)))
        before = moment.bars
        moment.features, moment.tick, moment.dt_s, moment.time_s = features, features.tick, dt_s, features.time_s
        moment.bars, moment.pace = before + advance, pace
        moment.beats = moment.bars * BEATS_A_BAR
        moment.bar_now = math.floor(moment.bars) > math.floor(before)
        moment.beat_now = math.floor(moment.beats) > math.floor(before * BEATS_A_BAR)
        return moment
