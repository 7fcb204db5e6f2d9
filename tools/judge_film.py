"""Does a film belong to its sound? Onset strength against frame change, with the film's own sound and with swapped ones.

`python -m tools.judge_film FILM [--other SOUND ...]` prints JSON: correlation (best lag within 100 ms) and F1 of peaks
(+-50 ms) for the true sound, for the same sound shifted by 32 odd spans, for it reversed, and for each other file; then what
a long look would tell: the mean and spread of brightness, the share of white or black or still frames.
"""

import argparse
import json
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray

Array = NDArray[np.float64]
RATE_HZ = 24000


def pictures(path: Path) -> tuple[Array, float]:
    """All frames of a film as (T, 90, 160, 3) in 0..1, and frames a second."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        rate_hz = float(stream.average_rate or 30)
        frames = [frame.reformat(160, 90, "rgb24").to_ndarray() for frame in film.decode(stream)]
    return np.stack(frames).astype(np.float64) / 255, rate_hz


def sound(path: Path) -> Array:
    """The sound of a file, mono at RATE_HZ."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        parts, resampler = list[NDArray[np.float32]](), av.AudioResampler("fltp", "mono")
        for frame in file.decode(stream):
            parts += [out.to_ndarray() for out in resampler.resample(frame)]
        mono = np.concatenate(parts, 1)[0]
        return np.asarray(soxr.resample(mono, stream.rate, RATE_HZ), np.float64)


def onset_strength(mono: Array, count: int, rate_hz: float) -> Array:
    """Spectral flux of log magnitudes, summed into `count` picture frames."""
    hop, size = 240, 1024
    padded = np.pad(mono, (size // 2, size))
    starts = np.arange(0, len(mono), hop)
    spectra = np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * np.hanning(size), axis=1))
    flux = np.maximum(np.diff(np.log1p(20 * spectra), axis=0, prepend=0), 0).sum(1)
    flux[0] = 0
    frame = np.minimum((starts / RATE_HZ * rate_hz).astype(int), count - 1)
    strength = np.zeros(count)
    np.maximum.at(strength, frame, flux)
    return strength


def change(frames: Array) -> Array:
    """Mean absolute difference of each frame from the one before, (T,)."""
    return np.abs(np.diff(frames, axis=0, prepend=frames[:1])).mean((1, 2, 3))


def rises(curve: Array, rate_hz: float) -> Array:
    """The curve above its local median (one second), unit variance."""
    half = int(rate_hz / 2)
    padded = np.pad(curve, half, mode="edge")
    base = np.array([np.median(padded[i : i + 2 * half + 1]) for i in range(len(curve))])
    above = np.maximum(curve - base, 0)
    return np.asarray(above / (above.std() + 1e-12))


def peaks(curve: Array, rate_hz: float) -> Array:
    """Frames of local maxima above one standard deviation, at least 120 ms apart."""
    order = np.argsort(curve)[::-1]
    apart, found = max(1, round(0.12 * rate_hz)), list[int]()
    for i in order[curve[order] > 1]:
        if all(abs(i - j) >= apart for j in found):
            found.append(int(i))
    return np.sort(np.array(found))


def agreement(heard: Array, seen: Array, rate_hz: float) -> dict[str, float]:
    """Correlation and peak F1 of two curves."""
    lags = range(-1, round(0.1 * rate_hz) + 1)
    correlation = max(float(np.corrcoef(np.roll(heard, lag), seen)[0, 1]) for lag in lags)
    a, b = peaks(heard, rate_hz), peaks(seen, rate_hz)
    window = max(1, round(0.05 * rate_hz))
    matched = sum(bool(len(b)) and np.abs(b - i).min() <= window for i in a)
    return {"correlation": round(correlation, 3), "f1": round(2 * matched / max(1, len(a) + len(b)), 3)}


def judge(film: Path, others: list[Path]) -> dict[str, object]:
    """All figures of one film."""
    frames, rate_hz = pictures(film)
    seen = rises(change(frames), rate_hz)
    own = sound(film)

    def against(mono: Array) -> dict[str, float]:
        return agreement(rises(onset_strength(np.resize(mono, len(own)), len(frames), rate_hz), rate_hz), seen, rate_hz)

    shifts = [against(np.roll(own, int((3.17 + 1.83 * k) * RATE_HZ))) for k in range(32)]
    luma = frames.mean((1, 2, 3))
    return {
        "film": film.name,
        "frames": len(frames),
        "true": against(own),
        "shifted_max": {key: max(shift[key] for shift in shifts) for key in ("correlation", "f1")},
        "shifted_median": {key: float(np.median([shift[key] for shift in shifts])) for key in ("correlation", "f1")},
        "reversed": against(own[::-1]),
        "others": {other.name: against(sound(other)) for other in others},
        "brightness_mean": round(float(luma.mean()), 3),
        "brightness_p1_p99": [round(float(v), 3) for v in np.percentile(luma, (1, 99))],
        "white_frames": round(float((luma > 0.9).mean()), 4),
        "black_frames": round(float((luma < 0.02).mean()), 4),
        "still_frames": round(float((change(frames)[1:] < 1e-4).mean()), 4),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("--other", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    print(json.dumps(judge(arguments.film, arguments.other), indent=1))
