"""Inputs for the generators under test, and their pictures."""

import time
from collections.abc import Callable

import numpy as np

from engine.core.types import ByteArray, FeatureFrame, LatentState, Tick
from engine.runtime.card import ModelCard

LIVENESS = 10  # deadlines are so many times the goal; the goals themselves belong to the benchmark


def latent(card: ModelCard, seed: int) -> LatentState:
    rng = np.random.default_rng(seed)
    y = rng.random(len(card.classes), dtype=np.float32) ** 8
    noise = rng.standard_normal(int(np.prod(card.noise_shape)), dtype=np.float32)
    z = rng.standard_normal(card.z_size, dtype=np.float32)
    extra_inputs = {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in card.extra_inputs.items()}
    return LatentState(z, y / y.sum(), float(rng.uniform(0.3, 1.0)), noise, extra_inputs)


def make_tick(card: ModelCard, number: int) -> Tick:
    heard = time.monotonic()
    features = FeatureFrame(number, number / 100, heard, {}, {}, ())
    return Tick(number, number / 100, heard, features, {}, latent(card, number))


def draw(generator, state: LatentState) -> ByteArray:
    width, height = generator.info.resolution
    out = np.zeros((height, width, 4), np.uint8)
    generator.step(state, out)
    return out


def wait_until(condition: Callable[[], bool], timeout_s: float) -> float:
    """Seconds until the condition held."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout_s, f"not within {timeout_s} s"
        time.sleep(0.002)
    return time.monotonic() - began
