"""Directions of a latent space along which much changes, found as GANSpace does (Haerkoenen et al., 2020, arXiv:2004.02546).

StyleGAN: principal components of w. BigGAN: those of its first layer, brought back to z; the layer is linear, so these are
its right singular vectors. Elsewhere z may act far from linearly (in Light a linear fit tells a tenth of what is seen), and
so the fit is made at many places, for a small step each: the principal directions of what such steps do to the picture.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engine.core.network import Network
from engine.core.types import Directions
from engine.generators.biggan_deep import BigGanDeep
from engine.generators.layers.mapping_network import Mapping as MappingNetwork
from engine.studio.direction_naming import SIDE, change_of
from engine.studio.drawing import Array, Frames, core, frames, latents, placed, weights
from engine.studio.pace import Pace

STEP = 0.5  # standard deviations: a small one
SHOWN = np.linspace(-2, 2, 5)  # standard deviations, on the sheet
_COARSE = 8  # pixels a side of the pictures whose change counts: what is seen from afar
_PLACES = 12  # at which a direction is looked at for its name
_AT_ONCE = 1000
_NUDGE = "nudge"  # the live input that takes a direction of w


def find(
    network: Network,
    indices: Sequence[int],
    count: int,
    samples: int = 0,
    seed: int = 600,
    say: Callable[[str], None] = lambda said: None,
) -> Directions:
    """The `count` directions (fewer where there are fewer) that change most, largest first, named after what they change.

    `samples` latents are mapped (StyleGAN; 10000 unless given) or drawn (700 unless given), of the classes `indices`. `say` is
    told how far it is.
    """
    network = core(network)
    if _NUDGE in network.extra_inputs:
        space, vectors = "w", _of_styles(network, indices, samples or 10000, seed)
    elif isinstance(network, BigGanDeep):
        space, vectors = "z", _of_layer(network.gen_z.weight[:, : network.z_size])
    else:
        space, vectors = "z", _of_steps(network, indices, samples or 700, seed, say)
    vectors = vectors[:count]
    names, signs = _named(network, indices, space, vectors, seed + 1, say)
    return Directions(space, names, vectors * signs[:, None])


def rows(network: Network, directions: Directions, indices: Sequence[int], seed: int = 601) -> list[Frames]:
    """A row a direction: two latents, each from -2 to 2 standard deviations along it."""
    places = [(indices[0], seed), (indices[len(indices) // 2], seed + 1)]
    return [
        np.concatenate([_along(network, directions.space, vector, SHOWN, index, draw) for index, draw in places])
        for vector in directions.vectors
    ]


def _along(network: Network, space: str, vector: Array, amounts: NDArray[np.float64], index: int, seed: int) -> Frames:
    n = len(amounts)
    z, y = latents(network, 1, seed).repeat(n, 0), weights(network, {index: 1.0}, n)
    moved = (amounts[:, None] * vector).astype(np.float32)  # (n, Z) or (n, W)
    return frames(network, z + moved, y) if space == "z" else frames(network, z, y, extra_inputs={_NUDGE: moved})


def _of_styles(network: Network, indices: Sequence[int], samples: int, seed: int) -> Array:
    """Principal components (W,W) of w within classes, one standard deviation long each, largest first."""
    mapping = network.mapping
    assert isinstance(mapping, MappingNetwork)
    each = -(-samples // len(indices))
    total = np.zeros((len(mapping.w_avg), len(mapping.w_avg)))
    for k, index in enumerate(indices):
        z, y = latents(network, each, seed + k), weights(network, {index: 1.0}, each)
        parts = []
        for start in range(0, each, _AT_ONCE):
            given = [torch.from_numpy(a[start : start + _AT_ONCE]).to(placed(network)) for a in (z, y)]
            with torch.no_grad():
                parts.append(mapping.style(*given).double().cpu().numpy())
        style = np.concatenate(parts)  # (each, W)
        style -= style.mean(0)
        total += style.T @ style
    spread, axes = np.linalg.eigh(total / (each * len(indices)))
    components: Array = (axes * np.sqrt(spread.clip(0))).T[::-1].astype(np.float32)
    return components


def _of_layer(weight: torch.Tensor) -> Array:
    """Right singular vectors (Z,Z) of a linear layer (O,Z)."""
    matrix = weight.detach().double().cpu().numpy()
    vectors: Array = np.linalg.eigh(matrix.T @ matrix)[1].T[::-1].astype(np.float32)
    return vectors


def _of_steps(network: Network, indices: Sequence[int], samples: int, seed: int, say: Callable[[str], None]) -> Array:
    """Principal directions (Z,Z) of what small steps of z do to the coarse picture: eigenvectors of the mean of J'J."""
    size = network.z_size
    places = max(2, samples // (size + 1))
    total = np.zeros((size, size))
    pace = Pace(places, "places looked at", say)
    for place in range(places):
        z = latents(network, 1, seed + place) + np.concatenate([np.zeros((1, size)), STEP * np.eye(size)]).astype(np.float32)
        drawn = frames(network, z, weights(network, {indices[place % len(indices)]: 1.0}, size + 1))
        coarse = shrunk(drawn, _COARSE).reshape(size + 1, -1)  # (Z + 1, F)
        change = (coarse[1:] - coarse[0]) / STEP
        total += change @ change.T
        pace.step()
    vectors: Array = np.linalg.eigh(total)[1].T[::-1].astype(np.float32)
    return vectors


def _named(
    network: Network, indices: Sequence[int], space: str, vectors: Array, seed: int, say: Callable[[str], None]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """A name for each direction, and which sign makes it say what its positive side does."""
    names: list[str] = []
    signs = np.ones(len(vectors), np.float32)
    pace = Pace(len(vectors), "directions named", say)
    for k, vector in enumerate(vectors):
        before, after = [], []
        for place in range(_PLACES):
            both = _along(network, space, vector, np.array([-STEP, STEP]), indices[place % len(indices)], seed + place)
            small = shrunk(both, SIDE)
            before.append(small[0])
            after.append(small[1])
        word, signs[k] = change_of(np.stack(before), np.stack(after))
        taken = sum(name.split(" ")[0] == word for name in names)
        names.append(f"{word} {taken + 1}" if taken else word)
        pace.step()
    return tuple(names), signs


def shrunk(pictures: Frames, side: int) -> Array:
    """Pictures (n,H,W,3) to (n,side,side,3), 0..1, each value the mean of what it covers."""
    bytes_ = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    small = torch.nn.functional.interpolate(bytes_, (side, side), mode="area").permute(0, 2, 3, 1)
    found: Array = small.numpy()
    return found
