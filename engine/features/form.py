"""Song form: slow energy, build, break, drop."""

import math

import numpy as np

from engine.core.registry import register
from engine.features.analysis.feature import Feature, Format, Hop, unit

RANGE_DB = 20.0
FIRST_REFERENCE_DB = -12.0
FORGET_DB_S, FORGET_FAR_S, FAR_DB = 0.05, 10.0, 15.0  # what is played far below the reference draws it down
BASS_HZ = (40.0, 150.0)
FULL_S, BREAK_S, CONFIRM_S = 6.0, 1.2, 0.08
BREAK_DB, BASS_DB, RETURN_DB, JUMP_DB = 9.0, 6.0, 4.0, 6.0
FADE_S = 4.0
STEPS, STEP_S = 6, 1.0  # a build is a rise that goes on over most of six seconds


@register("feature", "form")
class Form(Feature):
    """`energy_8s`, `energy_30s` (0: 20 dB under the loudest so far), `build`, `break`, and `drop` (1 at a drop, fading over 4 s).

    A break: the whole falls 9 dB, or the bass 6, below what it was, after at least 6 s of it. A build: loudness, brightness and
    density of onsets rise second by second. A drop: the bass comes back from a break, or jumps in out of a build. Drop events
    carry the time at which the bass came in, a quarter of a second before they are told.
    """

    values = ("energy_8s", "energy_30s", "build", "break", "drop")
    events = ("build", "break", "drop")
    after = ("loudness", "gate", "onset", "centroid")
    every_input = False

    def __init__(self, form: Format) -> None:
        self._poles = {tau_s: form.pole(tau_s) for tau_s in (0.3, 1.0, 2.0, 8.0, 30.0)}
        self._quick, self._fade = form.pole(0.05), 1.0 - form.pole(FADE_S / 3)
        self._slow, self._step_hops = form.pole(0.8), form.hops(STEP_S)
        super().__init__(form)

    def reset(self) -> None:
        self._power = dict.fromkeys(self._poles, 1e-9)
        self._bass = dict.fromkeys(self._poles, 1e-9)
        self._bass_now = 1e-9
        self._reference_db = FIRST_REFERENCE_DB
        self._bass_reference_db = FIRST_REFERENCE_DB - 12.0
        self._heard = 0
        self._full_s = self._thin_s = self._return_s = self._bass_gone_s = 0.0
        self._bass_in_s = 0.0
        self._broken = self._building = False
        self._break = self._drop = self._build = self._risen = 0.0
        self._built_ago_s = self._dropped_ago_s = 1e3
        self._bin = [0.0, 0.0]  # centroid, onsets of this step
        self._steps: list[float] = []

    def step(self, hop: Hop) -> None:
        period_s = self.format.period_s
        self._heard += 1
        self._follow(hop)
        power_db = {tau_s: 10.0 * math.log10(power) for tau_s, power in self._power.items()}
        bass_db = {tau_s: 10.0 * math.log10(power) for tau_s, power in self._bass.items()}
        if hop.values["silence"] == 0.0:
            self._reference_db = self._forget(self._reference_db, power_db)
            self._bass_reference_db = self._forget(self._bass_reference_db, bass_db)

        bassless = bass_db[0.3] < self._bass_reference_db - BASS_DB and bass_db[1.0] < self._bass_reference_db - RETURN_DB
        thin = bassless or power_db[0.3] < self._reference_db - BREAK_DB
        full = bass_db[1.0] > self._bass_reference_db - BREAK_DB and power_db[1.0] > self._reference_db - BREAK_DB
        self._full_s = min(self._full_s + period_s, 30.0) if full else max(self._full_s - 0.5 * period_s, 0.0)
        self._thin_s = self._thin_s + period_s if thin else 0.0
        if not self._broken and self._thin_s > BREAK_S and self._full_s > FULL_S:
            self._broken = True
            hop.emit("break", 1.0, self._thin_s)
        self._rise(hop, power_db[1.0])
        self._fall_in(hop, power_db, bass_db)

        self._break += ((1.0 if self._broken else 0.0) - self._break) * self._slow
        self._drop *= self._fade
        hop.values["energy_8s"] = unit(1.0 + (power_db[8.0] - self._reference_db) / RANGE_DB)
        hop.values["energy_30s"] = unit(1.0 + (power_db[30.0] - self._reference_db) / RANGE_DB)
        hop.values["build"], hop.values["break"], hop.values["drop"] = self._build, self._break, self._drop

    def _forget(self, reference_db: float, level_db: dict[float, float]) -> float:
        far_db = max(reference_db - FAR_DB - level_db[8.0], 0.0)
        return max(reference_db - (FORGET_DB_S + far_db / FORGET_FAR_S) * self.format.period_s, level_db[2.0])

    def _follow(self, hop: Hop) -> None:
        width_hz = self.format.rate_hz / 2 / (hop.magnitude.size - 1)
        low = hop.magnitude[round(BASS_HZ[0] / width_hz) : round(BASS_HZ[1] / width_hz) + 1]
        bass = float(np.dot(low, low)) + 1e-9
        power = 10.0 ** (hop.values["loudness_db"] / 10.0) + 1e-9
        for tau_s, pole in self._poles.items():
            pole = max(pole, 1.0 / self._heard)
            self._power[tau_s] += (power - self._power[tau_s]) * pole
            self._bass[tau_s] += (bass - self._bass[tau_s]) * pole
        # When the bass came in: the first loud bass after a while without.
        self._bass_now += (bass - self._bass_now) * self._quick
        if 10.0 * math.log10(self._bass_now) > self._bass_reference_db - 1.5 * RETURN_DB:
            if self._bass_gone_s > 0.7:
                self._bass_in_s = hop.time_s - 0.02
            self._bass_gone_s = 0.0
        else:
            self._bass_gone_s += self.format.period_s

    def _rise(self, hop: Hop, power_db: float) -> None:
        """Once a second: is intensity (loudness, brightness, density) rising steadily?"""
        self._bin[0] += hop.values["centroid"] / self._step_hops
        self._bin[1] += hop.values["onset"] > 0.0
        if hop.number % self._step_hops == 0:
            intensity = max(power_db, -70.0) / 6.0 + self._bin[0] / 0.06 + self._bin[1] / 4.0
            self._bin = [0.0, 0.0]
            self._steps = [*self._steps[-STEPS:], intensity]
            rises = [after - before for before, after in zip(self._steps, self._steps[1:], strict=False)]
            steady = sum(rise > 0.05 for rise in rises)
            largest = max(rises, default=0.0)
            total = sum(rises) - 0.5 * largest  # one step up is an entrance, not a build
            self._risen = unit((steady - 2) / 3.0) * unit(total / 2.5) if hop.values["silence"] == 0.0 else 0.0
        self._build += (self._risen - self._build) * self._slow
        if self._build > 0.5 and not self._building:
            self._building = True
            hop.emit("build", self._build)
        elif self._build < 0.2:
            self._building = False
        self._built_ago_s = 0.0 if self._building else self._built_ago_s + self.format.period_s

    def _fall_in(self, hop: Hop, power_db: dict[float, float], bass_db: dict[float, float]) -> None:
        back = bass_db[0.3] > self._bass_reference_db - RETURN_DB and power_db[0.3] > self._reference_db - RETURN_DB
        jump = bass_db[0.3] > bass_db[8.0] + JUMP_DB and power_db[0.3] > power_db[8.0] + 0.5 * JUMP_DB
        self._dropped_ago_s += self.format.period_s
        built = self._built_ago_s < 2.0
        arrives = (self._broken and back) or (built and jump and self._dropped_ago_s > 8.0)
        self._return_s = self._return_s + self.format.period_s if arrives else 0.0
        if self._return_s > CONFIRM_S:
            ago_s = hop.time_s - self._bass_in_s
            hop.emit("drop", 1.0, ago_s if ago_s < 1.0 else 0.3)
            self._drop = 1.0
            self._broken = self._building = False
            self._return_s = self._thin_s = self._build = self._risen = self._dropped_ago_s = 0.0
            self._built_ago_s = 1e3
            self._steps = []
