"""What every architecture is: a torch module that draws one picture, or a batch of screens, from a latent."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor, nn

NOTHING: Mapping[str, Tensor] = {}


class Network(nn.Module):
    """Base of all architectures.

    Everything that may move while it plays is an input, so that no knob ever rebuilds a compiled network. `extra_inputs`
    names the inputs beyond the four that all have; all zeros is at rest. One that is not given is at rest too, and costs nothing.
    """

    z_size: int
    noise_shape: tuple[int, ...]  # of the network's own random input
    classes: int  # 1 for an unconditional network, which ignores y
    resolution: tuple[int, int]  # width, height
    extra_inputs: Mapping[str, tuple[int, ...]]  # name -> shape
    costly: tuple[str, ...] = ()  # those of `extra_inputs` that cost time when they are given: runtimes leave them out at rest

    # Any module of a network may name tensors of its own: `exact`, which stay float32 in half precision, and `filters`, its
    # low-pass filters of each map by itself, which convert what they filter to their own type and back. A module that can `fold`
    # is then made of fewer and larger products of matrices, for cards to which arithmetic is cheaper than memory: more of it
    # than before, the same pictures. Its weights must not change or move afterwards; `folded` set to False unfolds it again.

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The network that [config] of a card describes, its weights unset. Raises ValueError, KeyError or TypeError."""

    @abstractmethod
    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        """The picture (B,3,H,W), -1..1.

        z (B,Z) ~ N(0,1); y (B,C) sums to 1; truncation (B,1) 0..1; noise (B,*noise_shape) ~ N(0,1);
        extra_inputs[name] (B,*shape).
        """
