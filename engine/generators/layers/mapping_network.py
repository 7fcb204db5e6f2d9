"""StyleGAN's mapping network: from a latent to one w per layer, mixed, truncated and given from outside as it plays.

Karras et al., 2019 (arXiv:1812.04948) and 2020 (arXiv:1912.04958). Names of the parameters as in NVIDIA's checkpoints.
"""

from collections.abc import Mapping as Table
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

COARSE, MIDDLE = 8, 32  # pixels: the largest layers of the groups coarse and middle; above is fine


class Dense(nn.Module):
    """An equalised linear layer (..., n_in) -> (..., n_out): its weights are kept at unit scale, and reckoned in float32.

    `pace` is the learning-rate multiplier of weights and biases; `bias` is what the biases begin at.
    """

    exact = ("weight", "bias")
    folded = False

    def __init__(self, n_in: int, n_out: int, pace: float = 1.0, bias: Sequence[float] | float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.gain, self.pace = pace / n_in**0.5, pace
        self.weight = nn.Parameter(torch.randn(n_out, n_in) * (scale / pace))
        start = torch.as_tensor(bias, dtype=torch.float32).expand(n_out)
        self.bias = nn.Parameter((start / pace).to(self.weight.device, copy=True))

    def fold(self) -> None:
        """Keep weights and biases as they are used."""
        self.used = self.weight.float() * self.gain, self.bias.float() * self.pace
        self.folded = True

    def forward(self, x: Tensor) -> Tensor:
        if self.folded:
            return F.linear(x, *self.used)
        return F.linear(x * self.gain, self.weight.float(), self.bias.float() * self.pace)


class Mapping(nn.Module):
    """z (B,Z) and class weights y (B,C) to w (B,L,W), float32; `layers` of the L are told in pixels, for the three groups."""

    exact = ("w_avg",)

    w_avg: Tensor
    group: Tensor

    def __init__(self, z_size: int, classes: int, w_size: int, depth: int, layers: Sequence[float]) -> None:
        super().__init__()
        self.classes, self.depth = classes, depth
        if classes:
            self.embed = Dense(classes, w_size)
        wide = z_size + (w_size if classes else 0)
        for index in range(depth):
            self.add_module(f"fc{index}", Dense(wide if index == 0 else w_size, w_size, pace=0.01))
        self.register_buffer("w_avg", torch.zeros(w_size))
        group = torch.tensor([(size > COARSE) + (size > MIDDLE) for size in layers])
        self.register_buffer("group", group, persistent=False)  # (L,)
        self.extra_inputs = {"spread": (3,), "styles": (z_size + 3,), "w": (len(layers) * w_size + 1,), "nudge": (w_size,)}

    def forward(self, z: Tensor, y: Tensor, truncation: Tensor, extra_inputs: Table[str, Tensor]) -> Tensor:
        """The styles of all layers (B,L,W). live: `spread`, `styles`, `nudge` and `w`, see StyleGAN2."""
        w = self.style(z, y)[:, None]  # (B, 1, W)
        if "styles" in extra_inputs:
            other, share = torch.split(extra_inputs["styles"].float(), [z.shape[1], 3], 1)
            w = torch.lerp(w, self.style(other, y)[:, None], self.by_layer(share))  # (B, L, W)
        reach = truncation.float()[:, None]  # (B, 1, 1)
        if "spread" in extra_inputs:
            reach = reach * (1 + self.by_layer(extra_inputs["spread"].float()))  # (B, L, 1)
        centre = self.w_avg.float()
        w = (centre + reach * (w - centre)).expand(-1, self.group.shape[0], -1)  # (B, L, W)
        if "nudge" in extra_inputs:
            w = w + extra_inputs["nudge"].float()[:, None]
        if "w" in extra_inputs:
            given = extra_inputs["w"].float()
            w = torch.lerp(w, given[:, :-1].view_as(w), given[:, -1:, None])
        return w

    def style(self, z: Tensor, y: Tensor) -> Tensor:
        """w (B,W) of a latent, before truncation."""
        x = _unit(z.float())
        if self.classes:
            x = torch.cat([x, _unit(self.embed(y.float()))], 1)
        for index in range(self.depth):
            x = F.leaky_relu(self.get_submodule(f"fc{index}")(x), 0.2) * 2**0.5
        return x

    def by_layer(self, value: Tensor) -> Tensor:
        """One number a group (B,3) to one a layer (B,L,1)."""
        return value.index_select(1, self.group)[..., None]


def _unit(x: Tensor) -> Tensor:
    """Rows with a mean square of 1."""
    return x * torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-8)
