"""Draws frames of a network in torch, outside the show: latents by seed, walks, class weights, and any input that moves."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.network import Network
from engine.generators.upscaled import Upscaled
from engine.runtime.card import load_card
from engine.runtime.picture_network import load_network

Frames = NDArray[np.uint8]  # (n, H, W, 3)
Array = NDArray[np.float32]

WALK_STEP = 0.035  # the angle in radians by which a walk's latent turns each frame, at 30 frames a second
_NOISE_SEED = 9
_GPU_BATCH = 16


def open_model(folder: Path, device: str = "cpu") -> tuple[Network, tuple[str, ...]]:
    """The model in `folder`, ready to draw in float32, and its class names. Raises CardError."""
    card = load_card(folder, verify=False)  # loading the weights verifies them
    return load_network(card).float().to(device), card.classes


def best_device() -> str:
    """Where networks are drawn fastest on this machine."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@torch.no_grad()
def frames(
    network: Network,
    z: Array,
    y: Array,
    noise: Array | None = None,
    truncation: float = 1.0,
    extra_inputs: Mapping[str, Array] | None = None,
) -> Frames:
    """Frames (n,H,W,3) for latents (n,Z) and class weights (n,C), drawn where and as precisely as the network is.

    `noise` (n,*noise_shape) is one fixed draw unless given; `live` holds further inputs, (n,*shape) each.
    """
    if noise is None:
        noise = np.random.default_rng(_NOISE_SEED).standard_normal((1, *network.noise_shape)).astype(np.float32).repeat(len(z), 0)
    rest = torch.full((len(z), 1), truncation)
    given = [torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in (z, y, noise)]
    moved = {name: torch.from_numpy(np.ascontiguousarray(a, np.float32)) for name, a in (extra_inputs or {}).items()}
    here = placed(network)
    out = []
    step = 1 if here.device.type == "cpu" else _GPU_BATCH
    for i in range(0, len(z), step):
        one = [a[i : i + step].to(here) for a in (given[0], given[1], rest, given[2])]
        picture = network(*one, {name: a[i : i + step].to(here) for name, a in moved.items()})  # (b, 3, H, W)
        level = (picture.float() * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
        out.append(level.permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(out)


def core(network: Network) -> Network:
    """The network itself, without a stage that only enlarges its picture."""
    return network.base if isinstance(network, Upscaled) else network


def placed(network: Network) -> Tensor:
    """A floating-point tensor of the network's own: `other.to(placed(network))` goes to its device and precision."""
    return next(tensor for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point())


def latents(network: Network, n: int, seed: int) -> Array:
    """n independent latents (n,Z)."""
    return np.random.default_rng(seed).standard_normal((n, network.z_size)).astype(np.float32)


def walk(network: Network, n: int, seed: int, step: float = WALK_STEP) -> Array:
    """A great-circle walk (n,Z): the latent turns by `step` radians a frame, its length nearly stays."""
    a, b = np.random.default_rng(seed).standard_normal((2, network.z_size))
    t = np.arange(n)[:, None] * step
    turned: Array = (a * np.cos(t) + b * np.sin(t)).astype(np.float32)  # (n, Z)
    return turned


def loop(network: Network, n: int, seed: int, waves: int = 1) -> Array:
    """A closed walk (n,Z) of `waves` sines and cosines, whose latents are each like independent ones; 1 is a great circle."""
    a, b = np.random.default_rng(seed).standard_normal((2, waves, network.z_size)) / waves**0.5
    t = np.arange(n)[:, None] * np.arange(1, waves + 1) * (2 * np.pi / n)  # (n, waves)
    closed: Array = (np.cos(t) @ a + np.sin(t) @ b).astype(np.float32)  # (n, Z)
    return closed


def weights(network: Network, shares: Mapping[int, float], n: int) -> Array:
    """n equal rows of class weights (n,C); no shares at all are all classes alike."""
    y = np.zeros((n, network.classes), np.float32)
    for index, share in shares.items():
        y[:, index] = share
    return y if shares else np.full_like(y, 1 / network.classes)
