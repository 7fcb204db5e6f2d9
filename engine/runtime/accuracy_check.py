"""Whether a faster form of a network draws what the network itself draws: half precision, graphs and engines must prove it.

Rounding moves single pixels, most at edges that the network itself draws hard; what is broken moves all of them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.types import ByteArray, FloatArray, GeneratorInfo, LatentState

MEDIAN_LIMIT, MEAN_LIMIT, MAX_LIMIT = 1.0, 1.0, 32.0  # of the difference, in levels of 255; on a processor half has 0, 0.1, 2
FLAT = 2.0  # levels: a picture whose deviation is less shows nothing, and so proves nothing
BREATH = 0.02  # how far live inputs are moved
PROOF = "proof.npz"  # states, and what the network draws of them in float32
_EXTRA = "live/"


def fresh(info: GeneratorInfo, names: Sequence[str], count: int) -> list[LatentState]:
    """States that nobody has seen before, with the live inputs in `names` moved a little and the others at rest."""
    rng = np.random.default_rng()

    def drawn(*shape: int) -> FloatArray:
        return rng.standard_normal(shape).astype(np.float32)

    def state() -> LatentState:
        y = rng.dirichlet(np.full(len(info.class_names), 0.1)).astype(np.float32)
        extra_inputs = {name: BREATH * drawn(*shape) * (name in names) for name, shape in info.extra_inputs.items()}
        noise = drawn(math.prod(info.noise_shape))
        return LatentState(drawn(info.z_size), y, float(rng.uniform(0.3, 1.0)), noise, extra_inputs)

    return [state() for _ in range(count)]


def check(expected: ByteArray, found: ByteArray, what: str) -> dict[str, float]:
    """How far `found` is from `expected`, both (..., 4) RGBA, in levels of 255. Raises RuntimeError beyond the limits."""
    if found.shape != expected.shape:
        raise RuntimeError(f"expected {what} to draw pictures of {expected.shape}; got {found.shape}")
    if (found[..., 3] != 255).any():
        raise RuntimeError(f"expected {what} to draw opaque pictures; got {np.count_nonzero(found[..., 3] != 255)} pixels not")
    difference = np.abs(found[..., :3].astype(np.int16) - expected[..., :3])
    is_flat = float(found[..., :3].std()) < FLAT <= float(expected[..., :3].std())
    figures = {"median": float(np.median(difference)), "mean": float(difference.mean()), "max": float(difference.max())}
    limits = {"median": MEDIAN_LIMIT, "mean": MEAN_LIMIT, "max": MAX_LIMIT}
    if is_flat or any(figures[name] > limit for name, limit in limits.items()):
        got = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
        most = ", ".join(f"{name} {value:.0f}" for name, value in limits.items())
        raise RuntimeError(f"expected {what} to differ from float32 by at most {most} of 255; got {got}")
    return figures


def keep(file: Path, drawn: Sequence[tuple[LatentState, ByteArray]]) -> None:
    """Write states and their pictures (H, W, 4) for `proofs` to read."""
    arrays: dict[str, Any] = {}
    for index, (state, picture) in enumerate(drawn):
        given = {"z": state.z, "y": state.y, "truncation": np.float64(state.truncation), "noise": state.noise, "picture": picture}
        given |= {_EXTRA + name: values for name, values in state.extra_inputs.items()}
        arrays |= {f"{index}/{name}": np.asarray(values) for name, values in given.items()}
    np.savez(file, **arrays)


def proofs(file: Path) -> Iterator[tuple[LatentState, ByteArray]]:
    """States and pictures from a file that `keep` has written and a hash vouches for. Raises OSError, KeyError, ValueError."""
    with np.load(file, allow_pickle=False) as kept:
        tables: dict[str, dict[str, FloatArray]] = {}
        for name in kept.files:
            index, _, field = name.partition("/")
            tables.setdefault(index, {})[field] = kept[name]
    for table in tables.values():
        yield _state(table), table["picture"].astype(np.uint8)


def _state(table: Mapping[str, FloatArray]) -> LatentState:
    extra_inputs = {name.removeprefix(_EXTRA): values for name, values in table.items() if name.startswith(_EXTRA)}
    return LatentState(table["z"], table["y"], float(table["truncation"]), table["noise"], extra_inputs)
