"""Blocks of any size go through the ring and the cutting into hops; bad samples do not."""

import numpy as np
import pytest

from engine.audio.resampling import Rehop
from engine.audio.sample_ring import SampleRing
from engine.audio.source import LOUDEST


def ramp(start: int, n: int) -> np.ndarray:
    return np.arange(start, start + n, dtype=np.float32)[:, None]


def test_ring_keeps_the_order_across_its_end() -> None:
    ring = SampleRing(1000, 1)
    out, written = [], 0
    for n in (1, 300, 7, 256, 511, 2, 400):
        ring.write(ramp(written, n))
        written += n
        while (block := ring.read(64)) is not None:
            out.append(block)
    assert np.array_equal(np.concatenate(out), ramp(0, written - written % 64))
    assert ring.overflows == 0


@pytest.mark.parametrize("blocks", [[1500], [5000], [400, 400, 400]])
def test_late_reader_goes_on_with_the_newest(blocks: list[int]) -> None:
    ring = SampleRing(1000, 1)
    written = 0
    for n in blocks:
        ring.write(ramp(written, n))
        written += n
    newest = ring.read(256)
    assert newest is not None
    assert np.array_equal(newest, ramp(written - 256, 256))
    assert ring.overflows == 1


@pytest.mark.parametrize("from_hz", [48000, 44100])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, 1e-40])
def test_bad_samples_are_gone_with_their_block(from_hz: int, bad: float) -> None:
    rng = np.random.default_rng(5)
    good = 0.1 * rng.standard_normal((from_hz, 2)).astype(np.float32)
    spoilt = good.copy()
    spoilt[from_hz // 2 : from_hz // 2 + 512] = bad

    def through(sound: np.ndarray) -> np.ndarray:
        rehop, out = Rehop(from_hz, 48000, 2, 256), []
        for start in range(0, len(sound), 777):
            rehop.push(sound[start : start + 777], last=start + 777 >= len(sound))
            while (hop := rehop.pop()) is not None:
                out.append(hop)
        return np.concatenate(out)

    a, b = through(good), through(spoilt)
    assert len(a) == len(b) == -(-48000 // 256) * 256
    assert np.isfinite(b).all()
    assert np.abs(b).max() <= 2 * LOUDEST  # a resampler may ring over a step
    assert np.allclose(a[:23000], b[:23000], atol=1e-3)
    assert np.allclose(a[26000:], b[26000:], atol=1e-3), "clean again on the next block"


@pytest.mark.parametrize("from_hz", [8000, 44100, 96000])
def test_resampling_in_blocks_of_any_size_is_the_same(from_hz: int) -> None:
    sound = 0.1 * np.random.default_rng(6).standard_normal((from_hz // 2, 2)).astype(np.float32)

    def through(size: int) -> np.ndarray:
        rehop, out = Rehop(from_hz, 48000, 2, 256), []
        for start in range(0, len(sound), size):
            rehop.push(sound[start : start + size], last=start + size >= len(sound))
        while (hop := rehop.pop()) is not None:
            out.append(hop)
        return np.concatenate(out)

    assert np.allclose(through(101), through(len(sound)), atol=1e-5)
