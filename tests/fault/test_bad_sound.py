"""Rows 5 and 7 without a sound card: silence after sound, and bad samples on their way from blocks to the picture's latent."""

import secrets
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from engine.audio.resampling import Rehop
from engine.core.types import FeatureFrame, FloatArray, Tick
from engine.features.analysis.analyser import Analysis
from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.show.perform import open_model, open_sound

UNITS = ("_db", "_hz", "_bpm", "_count")  # names that carry a unit: finite, and no more
BLOCKS = (0, 1, 2, 7, 64, 255, 256, 257, 1024, 48_000)
SPOILT = {
    "nan": lambda block: np.full_like(block, np.nan),
    "one nan": lambda block: np.where(np.arange(block.size).reshape(block.shape) % 97 == 3, np.float32(np.nan), block),
    "inf": lambda block: np.full_like(block, np.inf),
    "minus inf": lambda block: np.where(np.arange(block.size).reshape(block.shape) % 2 == 0, np.float32(-np.inf), block),
    "dc": lambda block: block + np.float32(0.9),
    "huge dc": lambda block: np.full_like(block, 3e38),
    "denormal": lambda block: np.full_like(block, 1e-42),
    "tiny": lambda block: block * np.float32(1e-30),
    "huge": lambda block: block * np.float32(1e30),
    "square": lambda block: np.sign(block),
}


def song(seconds: float, rate_hz: int = RATE_HZ) -> FloatArray:
    """The test signal as stereo (n, 2): drums, bass and chords."""
    source = open_sound("synthetic", False, False, 0)
    hops = [source.read(1.0) for _ in range(round(seconds * RATE_HZ / HOP) + 1)]
    source.close()
    sound = np.concatenate([hop.stereo for hop in hops if hop is not None])
    return sound[:: RATE_HZ // rate_hz] if rate_hz != RATE_HZ else sound


def check(features: FeatureFrame) -> None:
    for name, value in features.values.items():
        assert np.isfinite(value), name
        assert name.endswith(UNITS) or 0.0 <= value <= 1.0, f"{name} {value}"
    for name, vector in features.vectors.items():
        assert np.isfinite(vector).all(), name
        assert 0.0 <= vector.min() <= vector.max() <= 1.0, name
    for event in features.events:
        assert np.isfinite(event.time_s)
        assert 0.0 <= event.strength <= 1.0, event


def test_features_come_to_rest_within_a_second_of_silence() -> None:
    analysis, sound = Analysis(RATE_HZ, HOP), song(8.0).mean(axis=1, dtype=np.float32)
    for number in range(len(sound) // HOP):
        before = analysis.step({"main": sound[number * HOP : (number + 1) * HOP]}, 0.0)
    assert before.values["silence"] == 0.0
    assert before.values["level"] > 0.3
    for _ in range(RATE_HZ // HOP):
        rest = analysis.step({"main": np.zeros(HOP, np.float32)}, 0.0)
    assert rest.values["silence"] == 1.0
    for name in ("level", "loudness", "flux", "gradient", "onset", "kick", "snare", "hat", "pitch_confidence"):
        assert rest.values[name] < 0.02, f"{name} {rest.values[name]}"
    for name in ("chroma", "bands", "mel"):
        assert rest.vectors[name].max() < 0.02, name


def hops_of(sound: FloatArray, from_hz: int, sizes: Iterator[int], spoil: tuple[int, int], kind: str) -> Iterator[FloatArray]:
    """Hops made of blocks as a device might give them; those that begin within `spoil` (samples) are spoilt."""
    rehop, at = Rehop(from_hz, RATE_HZ, 2, HOP), 0
    while at < len(sound):
        block = sound[at : at + next(sizes)]
        spoilt = spoil[0] <= at < spoil[1]
        rehop.push(SPOILT[kind](block).astype(np.float32) if spoilt and block.size and kind in SPOILT else block)
        at += len(block)
        while (hop := rehop.pop()) is not None:
            yield hop


def through(instrument: Instrument, hops: Iterator[FloatArray]) -> Iterator[Tick]:
    for hop in hops:
        yield instrument.hear({"main": hop.mean(axis=1, dtype=np.float32)}, 0.0)


def sizes_at_random(seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    while True:
        yield BLOCKS[int(rng.integers(len(BLOCKS)))] if rng.random() < 0.3 else 256


@cache
def end_of(kind: str, from_hz: int, seed: int, seconds: float) -> FeatureFrame:
    """The last features of a song with half a second of bad samples early on; all is checked on the way there."""
    sound, begin = song(seconds, from_hz), round(0.3 * seconds * from_hz)
    instrument = Instrument(find_patch("first-light"), open_model("light", "auto").info)
    for tick in through(instrument, hops_of(sound, from_hz, sizes_at_random(seed), (begin, begin + from_hz // 2), kind)):
        check(tick.features)
        assert np.isfinite(tick.latent.z).all()
        assert np.isfinite(tick.latent.noise).all()
        assert tick.latent.y.sum() == pytest.approx(1.0, abs=1e-4)
        assert 0.0 <= tick.latent.truncation <= 1.0
    for address, leaf in instrument.tree.leaves().items():
        if leaf.param.kind in ("float", "int"):
            assert leaf.param.low <= leaf.value <= leaf.param.high, address  # type: ignore[operator]
    return tick.features


def suffer(kind: str, from_hz: int, seed: int, seconds: float = 3.2) -> None:
    """Everything stays sound, and the end is as if nothing had been."""
    good, spoilt = (end_of(one, from_hz, seed, seconds) for one in ("nothing", kind))
    assert good.tick == spoilt.tick, "blocks were lost"
    assert spoilt.values["loudness_db"] == pytest.approx(good.values["loudness_db"], abs=6.0)
    assert int(spoilt.vectors["chroma"].argmax()) == int(good.vectors["chroma"].argmax())


@pytest.mark.parametrize("kind", SPOILT)
def test_bad_samples_in_blocks_of_any_size_leave_features_and_latent_sound(kind: str) -> None:
    suffer(kind, RATE_HZ, 1)


@pytest.mark.parametrize("kind", ["one nan", "inf", "huge dc", "denormal"])
def test_so_they_do_when_the_sound_is_resampled(kind: str) -> None:
    suffer(kind, 24_000, 2)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_bad_samples_for_long() -> None:
    """Every kind, rate and thirty draws of block sizes."""
    for _ in range(30):
        seed = secrets.randbelow(2**31)
        print(f"seed {seed}")
        for kind in SPOILT:
            for from_hz in (RATE_HZ, 24_000, 16_000):
                suffer(kind, from_hz, seed, 8.0)
