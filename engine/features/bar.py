"""Bars and phrases: which beat is the first of four."""

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.features.analysis.feature import Feature, Hop

FADE = 0.94  # a beat
NEAR = 0.15  # beats: kicks and snares this near to a beat count for it
LEAD = 1.15  # by how much another beat must be better to become the first
BARS_PER_PHRASE = 8


@register("feature", "bar")
class Bar(Feature):
    """`bar_phase`, `bar_count`, `phrase_count` (of 8 bars); event `bar`. A drop starts a bar and a phrase.

    A bar's first beat is taken to be where chords change and kicks, not snares, fall.
    """

    values = ("bar_phase", "bar_count", "phrase_count")
    events = ("bar",)
    after = ("tempo", "chroma", "drums", "form")
    every_input = False
    beats_per_bar = Param(4, low=2, high=7, doc="The metre; it is not guessed.")

    def reset(self) -> None:
        self._first = 0  # beats since the start, modulo the metre
        self._bars = self._phrases = self._bars_of_phrase = 0
        self._beat = 0
        self._accents: dict[int, float] = {}
        self._weight = 0.0
        self._chroma = np.zeros(12, np.float32)
        self._chroma_before = np.zeros(12, np.float32)

    def step(self, hop: Hop) -> None:
        metre = int(self.beats_per_bar)
        beat, phase = int(hop.values["beat_count"]), hop.values["beat_phase"]
        nearest = beat + (phase > 0.5)
        self._weigh(hop, nearest % metre, phase)
        for event in tuple(hop.events):
            if event.kind == "drop" and hop.values["tempo_bpm"] > 0.0:
                ago_beats = (hop.time_s - event.time_s) * hop.values["tempo_bpm"] / 60.0
                first = round(beat + phase - ago_beats) % metre
                if first != self._first:
                    self._bars += 1
                    hop.emit("bar", hop.values["tempo_confidence"], hop.time_s - event.time_s)
                self._first = first
                self._accents = {self._first: 4.0}
                self._bars_of_phrase = 0
                self._phrases += 1
        if beat > self._beat:
            self._beat = beat
            self._choose(beat, metre)
            if (beat - self._first) % metre == 0:
                self._count(hop)
        hop.values["bar_phase"] = ((beat - self._first) % metre + phase) / metre
        hop.values["bar_count"], hop.values["phrase_count"] = float(self._bars), float(self._phrases)

    def _weigh(self, hop: Hop, place: int, phase: float) -> None:
        if abs((phase + 0.5) % 1.0 - 0.5) < NEAR:
            self._accents[place] = self._accents.get(place, 0.0) + 0.3 * (hop.values["kick"] - hop.values["snare"])
        if phase > 0.5:  # the chroma's window lags: the second half of a beat tells its chord
            self._chroma = self._chroma + hop.vectors["chroma"]

    def _choose(self, beat: int, metre: int) -> None:
        norm = float(np.linalg.norm(self._chroma) * np.linalg.norm(self._chroma_before))
        if norm > 0.0:
            change = 1.0 - float(self._chroma @ self._chroma_before) / norm
            place = (beat - 1) % metre
            self._accents[place] = self._accents.get(place, 0.0) + 3.0 * change
        self._chroma_before, self._chroma = self._chroma, np.zeros(12, np.float32)
        self._accents = {place: accent * FADE for place, accent in self._accents.items() if place < metre}
        best = max(self._accents, key=lambda place: self._accents[place], default=0)
        if self._accents.get(best, 0.0) > LEAD * max(self._accents.get(self._first, 0.0), 0.0) + 0.3:
            self._first = best

    def _count(self, hop: Hop) -> None:
        self._bars += 1
        self._bars_of_phrase += 1
        if self._bars_of_phrase > BARS_PER_PHRASE:
            self._bars_of_phrase = 1
            self._phrases += 1
        for event in hop.events:
            if event.kind == "beat":
                hop.emit("bar", event.strength, hop.time_s - event.time_s)
                break
