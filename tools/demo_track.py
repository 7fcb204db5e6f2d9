"""Composes and renders the demo piece with NumPy alone: `python -m tools.demo_track OUT.ogg` (64 s, 120 BPM, CC0).

8 bars ambient, 8 bars beat, 4 bars break, 12 bars drop, whose last bar rings out into the first. Everything is synthesised
here from sines and seeded noise, so the recording is nobody else's. The same numbers always give the same samples.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Array = NDArray[np.float64]
RATE_HZ = 48000
BAR_S, BEAT_S, STEP_S = 2.0, 0.5, 0.125
BARS = 32
LENGTH = int(BARS * BAR_S * RATE_HZ)
AMBIENT, BEAT, BREAK, DROP = range(0, 8), range(8, 16), range(16, 20), range(20, 32)
CHORDS = ((57, 60, 64, 71), (53, 57, 60, 64), (48, 55, 60, 64), (55, 59, 62, 69))  # Am9, Fmaj7, C, G: one a bar, MIDI notes
BASS = (33, 29, 36, 31)
LEAD = (  # four bars of (step in the phrase, MIDI note, steps held)
    (0, 76, 3), (3, 79, 3), (6, 81, 4), (10, 79, 2), (12, 76, 4),
    (16, 77, 3), (19, 76, 3), (22, 72, 6), (28, 74, 4),
    (32, 76, 3), (35, 79, 3), (38, 84, 6), (44, 83, 2), (46, 79, 2),
    (48, 81, 3), (51, 79, 3), (54, 74, 6), (60, 71, 4),
)  # fmt: skip
LAST = BARS - 1  # the bar that rings out: its last hit falls on its third beat
random = np.random.default_rng(1922)


def hertz(note: float) -> float:
    """Frequency of a MIDI note."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def saw(frequency_hz: float, length: int, brightness_hz: float, phase: float = 0.0) -> Array:
    """A band-limited sawtooth whose harmonics fall off above `brightness_hz`."""
    harmonics = np.arange(1, max(2, int(14000 / frequency_hz)))
    weights = np.exp(-harmonics * frequency_hz / brightness_hz) / harmonics
    cycle = np.sin(2 * np.pi * np.outer(np.arange(2049) / 2048, harmonics)) @ weights
    at = (np.arange(length) * frequency_hz / RATE_HZ + phase) % 1.0
    return np.interp(at, np.arange(2049) / 2048, cycle)


def decay(length: int, half_s: float) -> Array:
    """An exponential fall to a half every `half_s`."""
    return np.asarray(0.5 ** (np.arange(length) / (half_s * RATE_HZ)))


def swell(length: int, rise_s: float, fall_s: float) -> Array:
    """0 to 1 and back, in squared sines."""
    t = np.arange(length) / RATE_HZ
    up, down = np.clip(t / rise_s, 0, 1), np.clip((length / RATE_HZ - t) / fall_s, 0, 1)
    return np.asarray(np.sin(up * np.pi / 2) ** 2 * np.sin(down * np.pi / 2) ** 2)


def band(noise: Array, low_hz: float, high_hz: float) -> Array:
    """`noise` between two frequencies, edges an octave soft."""
    f = np.fft.rfftfreq(len(noise), 1 / RATE_HZ) + 1e-9
    gain = 1 / (1 + (low_hz / f) ** 4) / (1 + (f / high_hz) ** 4)
    return np.fft.irfft(np.fft.rfft(noise) * gain, len(noise))


class Track:
    """A stereo bus."""

    def __init__(self) -> None:
        self.samples = np.zeros((LENGTH, 2))

    def add(self, mono: Array, at_s: float, level: float, pan: float = 0.0) -> None:
        """Mix `mono` in at a time; `pan` -1..1 at equal power."""
        start = int(at_s * RATE_HZ)
        mono = mono[: max(0, LENGTH - start)]
        angle = (pan + 1) * np.pi / 4
        self.samples[start : start + len(mono)] += level * mono[:, None] * (np.cos(angle), np.sin(angle))


def drums(track: Track, hall: Track) -> list[float]:
    """All percussion; the times of the kicks, for what ducks under them."""
    n = int(0.45 * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    kick = np.sin(2 * np.pi * np.cumsum(46 + 130 * np.exp(-t / 0.022)) / RATE_HZ) * decay(n, 0.085)
    kick[:240] += 0.5 * random.standard_normal(240) * decay(240, 0.0008)
    kick = np.tanh(1.6 * kick)
    snare = 0.9 * band(random.standard_normal(n), 1100, 8500) * decay(n, 0.042) + 0.5 * np.sin(2 * np.pi * 196 * t) * decay(
        n, 0.03
    )
    clap = band(random.standard_normal(n), 900, 3800) * sum(
        np.where(t >= d, 0.5 ** ((t - d) / (0.05 if d > 0.02 else 0.004)), 0) for d in (0.0, 0.011, 0.023)
    )
    hat = band(random.standard_normal(n), 7500, 16000) * decay(n, 0.014)
    ring = band(random.standard_normal(n), 6500, 16000) * decay(n, 0.075)
    crash = band(random.standard_normal(4 * n), 3000, 15000) * decay(4 * n, 0.38)
    kicks = []
    for bar in (*BEAT, *DROP):
        full, start = bar in DROP, bar * BAR_S
        for beat in range(3 if bar == LAST else 4):
            at = start + beat * BEAT_S
            kicks.append(at)
            track.add(kick, at, 0.95 if full else 0.85)
            if beat % 2:
                track.add(snare, at, 0.8 if full else 0.65)
                hall.add(clap, at, 0.5 if full else 0.35, 0.15)
            if bar >= BEAT[2] and (bar, beat) != (LAST, 2):
                track.add(ring if full else hat, at + BEAT_S / 2, 0.26 if full else 0.22, 0.2)
        if full and bar % 4 == 3 and bar != LAST:
            kicks.append(start + 3.5 * BEAT_S)
            track.add(kick, kicks[-1], 0.75)
        for step in range(8 if bar == LAST else 16):
            if bar >= BEAT[2] and step % 4 != 2:
                track.add(hat, start + step * STEP_S, (0.16, 0.08)[step % 2] * (1.2 if full else 1), -0.25 + 0.5 * (step % 2))
        if (bar - (BEAT[0] if bar in BEAT else DROP[0])) % 8 == 0:
            hall.add(crash, start, 0.3 if full else 0.18, -0.2)
    for bar in BREAK[2:]:  # the roll: eighths, sixteenths, then thirty-seconds
        last = bar == BREAK[-1]
        at, step_s = bar * BAR_S, BEAT_S / 2
        while at < (bar + 1) * BAR_S - 1e-6:
            inside = at - bar * BAR_S
            step_s = BEAT_S / 2 if not last else (STEP_S if inside < BAR_S / 2 else STEP_S / 2)
            track.add(snare[: n // 2], at, 0.16 + 0.12 * (at - BREAK[2] * BAR_S))
            at += step_s
    hall.add(crash, LAST * BAR_S + 2 * BEAT_S, 0.2, 0.2)
    return kicks


def pads(wide: Track) -> None:
    """Slow chords throughout, opening towards each new part."""
    for bar in range(BARS):
        chord, length = CHORDS[bar % 4], int((BAR_S + 0.9) * RATE_HZ)
        drop, quiet = bar in DROP, bar in BREAK
        bright = (
            500 + 90 * bar
            if bar in AMBIENT
            else (1000 + 120 * (bar - 8) if bar in BEAT else 600 + 900 * (bar - 16) if quiet else 5200)
        )
        shape = swell(length, 0.03 if drop else 0.5, 0.5 if drop else 0.9)
        if bar == LAST:
            length = int(BAR_S * RATE_HZ)
            shape = swell(length, 0.03, 1.0)
        for i, note in enumerate((*chord, chord[0] + 12) if drop or quiet else chord):
            for k, cents in enumerate((-14, -6, 5, 13) if drop else (-7, 6)):
                tone = saw(hertz(note + cents / 100), length, bright, random.random())
                level = (0.052 if drop else 0.075) * (1.0 if bar not in BEAT else 0.95)
                wide.add(tone * shape, bar * BAR_S, level, (-0.8, 0.8, 0.4, -0.4)[(i + k) % 4])


def bass(low: Track) -> None:
    """Sub swells under the quiet parts; off-beat bass under the others."""
    for bar in range(BARS):
        note = BASS[bar % 4] + (12 if BASS[bar % 4] < 31 else 0)
        f = hertz(note)
        if bar in BEAT or bar in DROP:
            steps = (2, 3, 6, 7, 10, 11, 14, 15) if bar in DROP else (2, 6, 10, 14)
            for step in steps[:4] if bar == LAST else steps:
                n = int(STEP_S * (1.0 if bar in DROP else 1.6) * RATE_HZ)
                tone = saw(f, n, 700 if bar in DROP else 350) + 0.7 * np.sin(2 * np.pi * f * np.arange(n) / RATE_HZ)
                low.add(tone * swell(n, 0.006, 0.04), bar * BAR_S + step * STEP_S, 0.3)
        else:
            n = int(BAR_S * RATE_HZ)
            low.add(np.sin(2 * np.pi * f * np.arange(n) / RATE_HZ) * swell(n, 0.6, 0.6), bar * BAR_S, 0.16)


def melodies(echo: Track, hall: Track) -> None:
    """Plucked arpeggios, bells in the ambient part, and the lead of the drop."""
    n = int(0.5 * RATE_HZ)
    for bar in range(2, BARS):
        chord = (*CHORDS[bar % 4], CHORDS[bar % 4][1] + 12)
        sparse = bar in AMBIENT or bar in BREAK
        for step in range(0, 9 if bar == LAST else 16, 2 if sparse else 1):
            if not sparse and bar in BEAT and step % 4 == 0:
                continue
            note = chord[(step * 3 // (2 if sparse else 1) + bar) % 5] + (24 if sparse and step % 8 == 6 else 12)
            tone = saw(hertz(note), n, 1800 if sparse else 3000) * decay(n, 0.09 if sparse else 0.05)
            tone[:48] *= np.linspace(0, 1, 48)
            echo.add(tone, bar * BAR_S + step * STEP_S, 0.13 if sparse else 0.09, (-0.5, 0.5)[step // 2 % 2])
    for bar in DROP[::4]:
        for step, note, held in LEAD[: -1 if bar + 4 == BARS else None]:
            n = int((held * STEP_S + 0.12) * RATE_HZ)
            vibrato = 1 + 0.004 * np.sin(2 * np.pi * 5.2 * np.arange(n) / RATE_HZ)
            phase = 2 * np.pi * np.cumsum(hertz(note) * vibrato) / RATE_HZ
            tone = sum(np.sin(k * phase) / k**1.1 for k in range(1, 9))
            hall.add(np.asarray(tone) * swell(n, 0.012, 0.12), bar * BAR_S + step * STEP_S, 0.15)
            echo.add(np.asarray(tone) * swell(n, 0.012, 0.12), bar * BAR_S + step * STEP_S, 0.06)


def air(hall: Track) -> None:
    """Breath in the ambient part, the riser of the break and the fall after it."""
    n = int(4 * BAR_S * RATE_HZ)
    for bar in AMBIENT[::4]:
        hall.add(band(random.standard_normal(n), 500, 3500) * swell(n, 3, 3), bar * BAR_S, 0.035, 0.3)
    noise, rise = random.standard_normal(n), np.linspace(0, 1, n)
    mixed = sum(band(noise, 200 * 2**k, 420 * 2**k) * np.exp(-((rise * 6 - k) ** 2) / 1.2) for k in range(7))
    hall.add(np.asarray(mixed) * rise**2, BREAK[0] * BAR_S, 0.3)
    fall = band(random.standard_normal(n // 2), 300, 6000) * decay(n // 2, 0.35)
    hall.add(fall, DROP[0] * BAR_S, 0.16)


def reverb(samples: Array, seconds: float, level: float) -> Array:
    """`samples` with the late sound of a hall: decaying noise, another on each side."""
    n = int(seconds * RATE_HZ)
    tail = random.standard_normal((n, 2)) * decay(n, seconds / 8)[:, None]
    tail = np.stack([band(tail[:, side], 250, 6500) for side in range(2)], 1)
    tail[: int(0.012 * RATE_HZ)] = 0
    tail /= np.sqrt((tail**2).sum(0))
    size = 1 << int(np.ceil(np.log2(len(samples) + n)))
    wet = np.fft.irfft(np.fft.rfft(samples, size, 0) * np.fft.rfft(tail, size, 0), size, 0)[: len(samples)]
    return samples + level * wet


def echoes(samples: Array) -> Array:
    """Dotted-eighth echoes that cross from side to side."""
    out, delay = samples.copy(), int(3 * STEP_S * RATE_HZ)
    for k in range(1, 6):
        swapped = samples[:, ::-1] if k % 2 else samples
        out[k * delay :] += 0.5**k * swapped[: -k * delay]
    return out


def piece() -> Array:
    """The whole piece, (LENGTH, 2) in -1..1."""
    dry, low, wide, echo, hall = (Track() for _ in range(5))
    kicks = drums(dry, hall)
    pads(wide)
    bass(low)
    melodies(echo, hall)
    air(hall)
    duck = np.ones(LENGTH)
    dip = 1 - 0.78 * np.exp(-np.arange(int(0.4 * RATE_HZ)) / (0.11 * RATE_HZ))
    for at in kicks:
        start = int(at * RATE_HZ)
        duck[start : start + len(dip)] = np.minimum(duck[start : start + len(dip)], dip[: LENGTH - start])
    beds = reverb(wide.samples, 2.8, 0.5) + reverb(echoes(echo.samples), 2.2, 0.35) + low.samples
    mix = dry.samples + duck[:, None] * beds + (0.4 + 0.6 * duck[:, None]) * reverb(hall.samples, 2.4, 0.45)
    level = np.interp(
        np.arange(LENGTH) / RATE_HZ / BAR_S, (0, 1.5, 7.9, 8, 16, 19.9, 20, 32), (0.5, 0.9, 1.05, 0.95, 0.75, 0.95, 1, 1)
    )
    mix = np.tanh(0.95 * mix * level[:, None])
    fade = int(0.25 * RATE_HZ)
    mix[-fade:] *= np.linspace(1, 0, fade)[:, None]
    return np.asarray(mix * 10 ** (-1.8 / 20) / np.abs(mix).max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    samples = piece().astype(np.float32)
    with soundfile.SoundFile(out, "w", RATE_HZ, 2, format="OGG", subtype="OPUS" if out.suffix == ".opus" else "VORBIS") as file:
        for start in range(0, len(samples), RATE_HZ):  # in seconds: the encoder overflows its stack on whole pieces
            file.write(samples[start : start + RATE_HZ])
    print(f"{out}: {len(samples) / RATE_HZ:.1f} s, {out.stat().st_size / 2**20:.2f} MiB")
