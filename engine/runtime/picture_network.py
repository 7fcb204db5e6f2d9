"""A model's network as a torch module that ends in pictures' bytes, for the runtimes that execute or convert it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.network import Network
from engine.core.registry import lookup
from engine.runtime.card import CardError, ModelCard


class Picture(nn.Module):
    """An architecture followed by the last step to the screen: (B,H,W,4) uint8 RGBA, opaque, rounded.

    It is part of the network, so that every runtime does it the same way and none does it in Python. `names` are the live
    inputs it takes after the four that all networks have, in this order.
    """

    def __init__(self, network: Network, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.network, self.names = network, tuple(names)

    def forward(self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, *extra_inputs: Tensor) -> Tensor:
        """z (B,Z), y (B,C), truncation (B,1), noise (B,*noise_shape), live (B,*shape) each; all float32."""
        picture = self.network(z, y, truncation, noise, dict(zip(self.names, extra_inputs, strict=True)))  # (B, 3, H, W)
        level = (picture * 127.5 + 127.5).round().clamp(0.0, 255.0)
        level = torch.cat([level, torch.full_like(level[:, :1], 255.0)], 1).permute(0, 2, 3, 1)  # (B, H, W, 4)
        return level.to(torch.uint8)  # last: TensorRT has bytes at the end of a network only


def load_network(card: ModelCard) -> Network:
    """The card's architecture with its weights, ready to draw. Raises CardError where they do not fit each other."""
    weights = card.load()
    try:
        network: Network = lookup("architecture", card.architecture).from_config(card.config)
        network.load_state_dict({key: torch.from_numpy(tensor) for key, tensor in weights.items()})
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise CardError(f"expected weights and [config] of {card.architecture!r} in {card.folder}; got {found}") from error
    sizes = (network.z_size, network.noise_shape, network.classes, network.resolution, dict(network.extra_inputs))
    stated = (card.z_size, card.noise_shape, len(card.classes), card.resolution, card.extra_inputs)
    if sizes != stated:
        raise CardError(f"expected z, noise, classes, resolution and live inputs of {sizes} in {card.folder}; got {stated}")
    return network.eval().requires_grad_(False)


def halve(network: Network, filters: torch.dtype = torch.float16) -> Network:
    """Make a network half precision, in place: weights and convolutions in float16, what must not be stays float32.

    That is what its modules name in `exact`. With `filters` float32 the low-pass filters stay float32 too.
    """
    for module in network.modules():
        exact, filtering = (tuple(getattr(module, kind, ())) for kind in ("exact", "filters"))
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if tensor.dtype == torch.float32 and name not in exact:
                tensor.data = tensor.to(filters if name in filtering else torch.float16)
    return network


def fold(network: Network) -> bool:
    """Fold what of a network can be, in place (see Network); whether there is anything."""
    modules: list[Any] = [module for module in network.modules() if hasattr(module, "fold")]
    for module in modules:
        module.fold()
    return bool(modules)


def draw_folded(network: Network, folded: bool) -> None:
    """Have a network that was folded draw so, or as it did before. What was folded stays where it is."""
    modules: list[Any] = [module for module in network.modules() if hasattr(module, "folded")]
    for module in modules:
        module.folded = folded


def resting(network: Network, names: Sequence[str] = (), batch: int = 1) -> tuple[Tensor, ...]:
    """Resting inputs of `batch` pictures: z, y, truncation, noise, and the live inputs named."""
    y = torch.full((batch, network.classes), 1 / network.classes)
    first = torch.zeros(batch, network.z_size), y, torch.ones(batch, 1)
    return (
        *first,
        torch.zeros(batch, *network.noise_shape),
        *(torch.zeros(batch, *network.extra_inputs[name]) for name in names),
    )


def variants(network: Network) -> tuple[tuple[str, ...], ...]:
    """The live inputs of each graph to compile: without what costs time at rest, and, if there is such, with all."""
    plain = tuple(name for name in network.extra_inputs if name not in network.costly)
    return (plain, tuple(network.extra_inputs)) if network.costly else (plain,)
