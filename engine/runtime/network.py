"""A model's network as a torch module that ends in a picture's bytes, for the runtimes that execute or convert it."""

import torch
from torch import Tensor, nn

from engine.registry import lookup
from engine.runtime.card import CardError, ModelCard


class Picture(nn.Module):
    """An architecture followed by the last step to the screen: (H,W,4) uint8 RGBA, opaque, rounded.

    It is part of the network, so that every runtime does it the same way and none does it in Python.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor) -> Tensor:
        """z (1,Z), y (1,C), truncation (1,1), noise (1,*noise_shape), all float32."""
        level = (self.network(z, y, truncation, noise) * 127.5 + 127.5).round().clamp(0.0, 255.0).to(torch.uint8)  # (1, 3, H, W)
        return torch.cat([level, torch.full_like(level[:, :1], 255)], 1)[0].permute(1, 2, 0)  # (H, W, 4)


def load_network(card: ModelCard) -> Picture:
    """The card's architecture with its weights, ready to draw. Raises CardError where they do not fit each other."""
    weights = card.load()
    try:
        network = lookup("architecture", card.architecture).from_config(card.config)
        network.load_state_dict({key: torch.from_numpy(tensor) for key, tensor in weights.items()})
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise CardError(f"expected weights and [config] of {card.architecture!r} in {card.folder}; got {found}") from error
    return Picture(network).eval().requires_grad_(False)


def inputs(card: ModelCard) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Resting inputs of a network: z, y, truncation, noise."""
    count = len(card.classes)
    return torch.zeros(1, card.z_size), torch.full((1, count), 1 / count), torch.ones(1, 1), torch.zeros(1, *card.noise_shape)
