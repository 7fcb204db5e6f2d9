"""Executes a network with PyTorch on the CPU: the plain way, and the measure for the others."""

from functools import partial
from typing import TYPE_CHECKING

from engine.core.registry import register
from engine.core.types import ByteArray, LatentState
from engine.runtime.backend import Backend, Requirements, Say
from engine.runtime.card import CardError, ModelCard

if TYPE_CHECKING:
    from torch import Tensor


@register("runtime", "torch")
class TorchGenerator(Backend):
    """Implements Generator. Raises CardError where the card, the weights and the architecture do not fit each other."""

    requirements = Requirements(packages=("torch",), install="pip install torch")
    rank = 100

    def __init__(self, card: ModelCard, threads: int, say: Say) -> None:
        import torch

        from engine.runtime.picture_network import Picture, load_network, resting

        torch.set_num_threads(threads)
        self.info = card.info("torch")
        self._network = load_network(card)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        self._inference, self._tensor, self._full = torch.inference_mode, torch.from_numpy, torch.full
        self._picture = partial(Picture, self._network)
        with torch.inference_mode():
            shape = tuple(Picture(self._network)(*resting(self._network)).shape)
        if shape != (1, *self.info.resolution[::-1], 4):
            raise CardError(f"expected frames of {self.info.resolution} from {card.folder}; got an array of {shape}")

    def step(self, state: LatentState, out: ByteArray) -> None:
        moved = {name: values for name, values in state.extra_inputs.items() if values.any()}  # what rests is not computed
        noise = state.noise.reshape(self.info.noise_shape)
        with self._inference():
            inputs = [self._tensor(values)[None] for values in (state.z, state.y, noise, *moved.values())]
            z, y, random, *extra_inputs = inputs
            picture: Tensor = self._picture(tuple(moved))(z, y, self._full((1, 1), state.truncation), random, *extra_inputs)
            self._tensor(out).copy_(picture[0])

    def close(self) -> None:
        del self._network, self._picture
