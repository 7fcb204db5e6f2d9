"""Executes a network with PyTorch on the CPU: the plain way, and the measure for the others."""

from collections.abc import Callable

import torch

from engine.registry import register
from engine.runtime.card import CardError, ModelCard
from engine.runtime.network import inputs, load_network
from engine.types import ByteArray, LatentState


@register("runtime", "torch")
class TorchGenerator:
    """Implements Generator. Raises CardError where the card, the weights and the architecture do not fit each other."""

    def __init__(self, card: ModelCard, threads: int, say: Callable[[str], None]) -> None:
        torch.set_num_threads(threads)
        self.info = card.info("torch")
        self._network = load_network(card)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        self._inputs = inputs(card)
        with torch.inference_mode():
            shape = tuple(self._network(*self._inputs).shape)
        if shape != (*self.info.resolution[::-1], 4):
            raise CardError(f"expected frames of {self.info.resolution} from {card.folder}; got an array of {shape}")

    def step(self, state: LatentState, out: ByteArray) -> None:
        z, y, truncation, noise = self._inputs
        with torch.inference_mode():
            z[0] = torch.from_numpy(state.z)
            y[0] = torch.from_numpy(state.y)
            truncation.fill_(state.truncation)
            noise.view(-1)[:] = torch.from_numpy(state.noise.reshape(-1))
            torch.from_numpy(out).copy_(self._network(*self._inputs))

    def close(self) -> None:
        del self._network
