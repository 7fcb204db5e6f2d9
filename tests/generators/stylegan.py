"""What tests of StyleGAN2 and of StyleGAN3 do alike with a network."""

from typing import Any

import numpy as np
import torch


def full(batch: int, truncation: float = 1.0) -> torch.Tensor:
    """Truncation for a whole batch, (B, 1)."""
    return torch.full((batch, 1), truncation)


@torch.no_grad()
def draw(network: Any, z: Any, y: Any, truncation: Any, noise: Any, **extra_inputs: Any) -> np.ndarray:
    """The picture (B, 3, H, W)."""
    return network(z, y, truncation, noise, extra_inputs).float().numpy()  # type: ignore[no-any-return]


def live_inputs(network: Any, batch: int, size: float, seed: int = 3) -> dict[str, torch.Tensor]:
    """Every live input of a network, drawn at random; `size` 0 is at rest."""
    rng = np.random.default_rng(seed)
    shapes = network.extra_inputs.items()
    return {name: torch.from_numpy((size * rng.standard_normal((batch, *shape))).astype(np.float32)) for name, shape in shapes}


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, as a share of the largest value of `other`."""
    return float(np.abs(one - other).max() / np.abs(other).max())
