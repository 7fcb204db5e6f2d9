"""A test signal like music: drums, bass and chords at 120 BPM, the same for the same seed."""

import numpy as np

from engine.audio.generated import GeneratedSource
from engine.core.registry import register
from engine.core.types import FloatArray

TEMPO_BPM = 120.0
BARS = 8  # then it repeats
# Chords as semitones above the seed's key: i VI III VII of natural minor.
CHORDS = ((0, 3, 7), (-4, 0, 3), (3, 7, 10), (-2, 2, 5))


@register("source", "synthetic")
class SyntheticSource(GeneratedSource):
    """Eight bars, rendered once at the start and repeated: kick on each beat, snare on 2 and 4, hats between, bass, chords."""

    name = "synthetic"

    def __init__(self, rate_hz: int, hop: int, paced: bool, seed: int) -> None:
        super().__init__(rate_hz, hop, paced)
        self._loop = render_loop(rate_hz, seed)

    def render(self, index: int) -> FloatArray:
        start = index * self.hop
        return self._loop.take(range(start, start + self.hop), axis=0, mode="wrap")


def render_loop(rate_hz: int, seed: int) -> FloatArray:
    """Eight bars at `rate_hz` as (samples, 2), at most 0.9. The seed draws the key and which off-beats the hats take."""
    rng = np.random.default_rng(seed)
    beat = round(rate_hz * 60.0 / TEMPO_BPM)
    song = np.zeros((BARS * 4 * beat, 2), np.float32)
    root = 45 + int(rng.integers(0, 12))
    kick, snare, hat = _kick(rate_hz), _snare(rate_hz, rng), _hat(rate_hz, rng)
    for bar in range(BARS):
        start = bar * 4 * beat
        chord = CHORDS[(bar // 2) % len(CHORDS)]
        for degree, pan in zip(chord, (0.3, 0.5, 0.7), strict=True):
            _add(song, start, 0.09 * _note(rate_hz, root + 12 + degree, 4 * beat, attack_s=0.08), pan)
        for step in range(8):
            at = start + step * beat // 2
            _add(song, at, 0.22 * _note(rate_hz, root - 12 + chord[0], beat // 2, attack_s=0.005), 0.5)
            if step % 2 == 0:
                _add(song, at, 0.75 * kick, 0.5)
            if step in (2, 6):
                _add(song, at, 0.4 * snare, 0.5)
            if step % 2 == 1 or rng.random() < 0.25:
                _add(song, at, 0.15 * hat, 0.6)
    return song * np.float32(0.9 / np.abs(song).max())


def _add(song: FloatArray, start: int, sound: FloatArray, pan: float) -> None:
    sound = sound[: len(song) - start]
    song[start : start + len(sound)] += sound[:, None] * np.array([1.0 - pan, pan], np.float32) * 2.0


def _time(rate_hz: int, length_s: float) -> FloatArray:
    return np.arange(round(rate_hz * length_s), dtype=np.float32) / np.float32(rate_hz)


def _kick(rate_hz: int) -> FloatArray:
    t = _time(rate_hz, 0.3)
    phase = 2.0 * np.pi * (50.0 * t + 130.0 * 0.03 * (1.0 - np.exp(-t / 0.03)))  # 180 Hz falling to 50
    return np.asarray(np.sin(phase) * np.exp(-t / 0.09), np.float32)


def _snare(rate_hz: int, rng: np.random.Generator) -> FloatArray:
    t = _time(rate_hz, 0.2)
    noise = np.diff(rng.standard_normal(len(t) + 1)) * 0.4
    return np.asarray((0.5 * np.sin(2.0 * np.pi * 190.0 * t) + noise) * np.exp(-t / 0.05), np.float32)


def _hat(rate_hz: int, rng: np.random.Generator) -> FloatArray:
    t = _time(rate_hz, 0.06)
    noise = np.diff(rng.standard_normal(len(t) + 3), n=3) * 0.2  # three differences: a steep high-pass
    return np.asarray(noise * np.exp(-t / 0.015), np.float32)


def _note(rate_hz: int, midi: int, length: int, attack_s: float) -> FloatArray:
    t = _time(rate_hz, length / rate_hz)[:length]
    hz = 440.0 * 2.0 ** ((midi - 69) / 12.0)
    tone = sum(np.sin(2.0 * np.pi * hz * k * t) / k**1.5 for k in range(1, 7))
    ends = np.minimum(1.0, t / attack_s) * np.minimum(1.0, (t[-1] - t) / 0.02)
    return np.asarray(tone * ends, dtype=np.float32)
