"""Tempo, and a beat clock locked to it."""

import math

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit

FRAME_S = 0.01067  # the novelty is summed to about 94 Hz
MEMORY_S, RECENT_S = 10.9, 6.0
EVERY_S = 0.34
LOW_BPM, HIGH_BPM, STEPS = 60.0, 200.0, 360
COMB = (1, 1, 1, 2, 1, 1, 1, 2)  # multiples of the beat that must agree; one and two bars count double
OCTAVES = 0.8  # width of the preference for moderate tempi
INERTIA = 0.75
RISE, FALL = 0.4, 0.03  # of the confidence at a measurement: found within seconds, kept through a break
AHEAD_S = 0.011  # measured: how late the novelty shows a beat
PHASES = 48
ROWS = 4
ACCENT = np.array([0.3, 1.0, 2.0, 1.0], np.float32)  # of the rows, for the phase
CLIP = 4.0  # one burst must not outweigh a bar of beats
BAR = 4  # multiples that the confidence looks at
LOCK, UNLOCK = 0.4, 0.2


@register("feature", "tempo")
class Tempo(Feature):
    """`tempo_bpm` (0 before anything is found), `tempo_confidence`, and `beat_phase`, which runs 0..1 from beat to beat.

    Comb-filtered autocorrelation of the novelty of two bands, of kicks and of snares, with a log-normal preference for moderate
    tempi (Ellis 2007), then the phase of a pulse train over the last bars. A clock follows both as a phase-locked loop: it stays
    steady, also through breaks. Event `beat` while it is sure; `beat_count` counts on from the first tempo found.
    """

    values = ("tempo_bpm", "tempo_confidence", "beat_phase", "beat_count")
    events = ("beat",)
    after = ("flux", "drums")
    every_input = False
    centre_bpm = Param(120.0, low=60.0, high=200.0, unit="BPM", doc="Of tempi an octave apart the one nearer to this is taken.")

    def __init__(self, form: Format) -> None:
        self._join = form.hops(FRAME_S)
        self._frame_s = self._join * form.period_s
        self._size = size = 2 ** round(math.log2(MEMORY_S / self._frame_s))
        self._every = max(form.hops(EVERY_S), 12)
        self._bpm = np.geomspace(LOW_BPM, HIGH_BPM, STEPS)
        lags = 60.0 / self._bpm[:, None] / self._frame_s * np.arange(1, len(COMB) + 1)
        self._lag = np.minimum(lags.astype(np.intp), size - 2)
        self._part = (lags - self._lag).astype(np.float32)
        self._comb = (np.array(COMB) / sum(COMB)).astype(np.float32)
        self._ages = np.arange(size)[::-1].astype(np.float64)  # in frames
        self._recent = np.exp(-self._ages * self._frame_s / RECENT_S).astype(np.float32)
        overlap = np.fft.irfft(np.abs(np.fft.rfft(self._recent, 2 * size)) ** 2)[:size]
        self._fair = (overlap[0] / np.maximum(overlap, 0.02 * overlap[0])).astype(np.float32)
        super().__init__(form)

    def reset(self) -> None:
        self._novelty = np.zeros((ROWS, self._size), np.float32)  # lower bands, upper bands, kick, snare
        self._sum = [0.0] * ROWS
        self._score = np.zeros(STEPS)
        self._period_s = self._confidence = self._clock = 0.0  # the clock counts beats
        self._astray = self._beats = self._last_beat = 0
        self._locked = False

    def step(self, hop: Hop) -> None:
        low, high = hop.novelties
        self._sum[0] += min(low, CLIP)
        self._sum[1] += min(high, CLIP)
        self._sum[2] += hop.values["kick"]
        self._sum[3] += hop.values["snare"]
        if hop.number % self._join == 0:
            self._novelty[:, :-1] = self._novelty[:, 1:]
            self._novelty[:, -1] = self._sum
            self._sum = [0.0] * ROWS
        turn = hop.number % self._every
        if turn == 5:
            self._measure()
        elif turn == 9 and self._period_s > 0.0:
            self._align()
        if self._period_s > 0.0:
            self._advance(hop)
        hop.values["tempo_bpm"] = 60.0 / self._period_s if self._period_s else 0.0
        hop.values["tempo_confidence"] = self._confidence
        hop.values["beat_phase"] = self._clock % 1.0
        hop.values["beat_count"] = float(self._beats)

    def _measure(self) -> None:
        novelty = self._novelty
        novelty = (novelty - novelty.mean(axis=1, keepdims=True)) * self._recent
        spectrum = np.fft.rfft(novelty, 2 * self._size)
        power = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, : self._size]
        power /= power[:, :1] + 1e-6
        match = power.mean(axis=0) * self._fair
        comb = (match[self._lag] * (1.0 - self._part) + match[self._lag + 1] * self._part) @ self._comb
        prior = np.exp(-0.5 * (np.log2(self._bpm / self.centre_bpm) / OCTAVES) ** 2)
        self._score += (np.maximum(comb, 0.0) * prior - self._score) * (1.0 - INERTIA)
        best = int(self._score.argmax())
        # Beats stand out between beats; slow swells do not. Drums do not count here: not all music has them.
        lags = self._lag[best, :BAR]
        heard = power[:2].mean(axis=0) * self._fair
        contrast = float(heard[lags].mean() - heard[lags[0] : lags[-1]].mean())
        sure = unit((contrast - 0.12) / 0.3)
        self._confidence += (sure - self._confidence) * (RISE if sure > self._confidence else FALL)
        if contrast < 0.03:
            return  # nothing steady is heard: keep time
        place = float(best)
        if 0 < best < STEPS - 1:
            left, top, right = self._score[best - 1 : best + 2].tolist()
            place += 0.5 * (left - right) / min(left - 2.0 * top + right, -1e-9)
        bpm = LOW_BPM * (HIGH_BPM / LOW_BPM) ** (place / (STEPS - 1))
        self._period_s = 60.0 / bpm

    def _align(self) -> None:
        ages = (self._ages * self._frame_s + AHEAD_S) / self._period_s  # in beats
        folded = np.bincount((ages % 1.0 * PHASES).astype(np.intp) % PHASES, (ACCENT @ self._novelty) * self._recent, PHASES)
        smooth = 0.5 * (np.roll(folded, 1) + np.roll(folded, -1)) + folded
        phase = (int(smooth.argmax()) + 0.5) / PHASES
        error = (phase - self._clock + 0.5) % 1.0 - 0.5
        if abs(error) < 0.15:
            self._astray = 0
            self._clock += 0.3 * error
        elif self._confidence > UNLOCK:
            self._astray += 1  # jump only when several measurements agree
            if self._astray >= 4 or not self._locked:
                self._clock += error
                self._astray = 0

    def _advance(self, hop: Hop) -> None:
        self._clock += self.format.period_s / self._period_s
        self._locked = self._confidence > (UNLOCK if self._locked else LOCK)
        beat = math.floor(self._clock)
        if beat > self._last_beat:
            self._last_beat = beat
            self._beats += 1
            if self._locked:
                hop.emit("beat", self._confidence, (self._clock - beat) * self._period_s)
