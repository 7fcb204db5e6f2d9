"""The judge of StyleGAN2 (Karras et al., 2020): residual convolutions, statistics over the batch, and classes by projection."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.generators.layers.mapping_network import Dense
from engine.studio.training.lowpass import lowpass

_ROOT2 = 2**0.5
_GROUP = 4  # pictures whose spread is looked at together


class Convolution(nn.Module):
    """Equalised convolution, bias, leaky ReLU; with `down`, low-passed and to half the size."""

    fir: Tensor

    def __init__(self, n_in: int, n_out: int, side: int, down: bool = False, active: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, side, side))
        self.bias = nn.Parameter(torch.zeros(n_out)) if active else None
        self.gain, self.side, self.down = (n_in * side * side) ** -0.5, side, down
        if down:
            tap = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
            self.register_buffer("fir", tap.outer(tap).expand(n_in, 1, 4, 4).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (B,I,S,S): (B,O,S,S), or half of S with `down`."""
        weight = self.weight * self.gain
        if self.down and self.side == 1:
            x = F.conv2d(lowpass(x, self.fir, 2, 1), weight)
        elif self.down:
            x = F.conv2d(lowpass(x, self.fir, 1, 2), weight, stride=2)
        else:
            x = F.conv2d(x, weight, padding=self.side // 2)
        if self.bias is None:
            return x
        return F.leaky_relu(x + self.bias[:, None, None], 0.2) * _ROOT2


class Residual(nn.Module):
    """Two convolutions beside one short way, to half the size."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.one = Convolution(n_in, n_in, 3)
        self.two = Convolution(n_in, n_out, 3, down=True)
        self.short = Convolution(n_in, n_out, 1, down=True, active=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.two(self.one(x)) + self.short(x)) / _ROOT2  # type: ignore[no-any-return]


class Critic(nn.Module):
    """Pictures (B,3,S,S) and class weights (B,C) to how real they look (B,): positive for real.

    `classes` of 1 or less is unconditional; else the projection of Miyato & Koyama (2018) on the embedded classes.
    """

    def __init__(self, resolution: int, classes: int, channel_base: int, channel_max: int) -> None:
        super().__init__()
        sizes = [2**power for power in range(resolution.bit_length() - 1, 1, -1)]  # S .. 4
        channels = [min(channel_base // size, channel_max) for size in sizes]
        self.first = Convolution(3, channels[0], 1)
        self.blocks = nn.Sequential(*(Residual(a, b) for a, b in pairwise(channels)))
        last = channels[-1]
        self.spread = Convolution(last + 1, last, 3)
        self.full = Dense(last * 16, last)
        self.conditional = classes > 1
        self.out = Dense(last, last if self.conditional else 1)
        if self.conditional:
            self.embed = Dense(classes, last)

    def forward(self, pictures: Tensor, y: Tensor) -> Tensor:
        x = self.blocks(self.first(pictures)).float()  # (B, C, 4, 4)
        with torch.autocast(x.device.type, enabled=False):
            x = self.spread(torch.cat([x, _deviation(x)], 1))
            x = self.out(F.leaky_relu(self.full(x.flatten(1)), 0.2) * _ROOT2)
            if not self.conditional:
                return cast(Tensor, x[:, 0])
            place = self.embed(y)  # (B, C)
            place = place * torch.rsqrt(place.square().mean(1, keepdim=True) + 1e-8)
            logits: Tensor = (x * place).sum(1) / x.shape[1] ** 0.5
            return logits


def _deviation(x: Tensor) -> Tensor:
    """How unlike each other the pictures of a group are (B,1,4,4): a generator that always draws the same is found out."""
    batch = len(x)
    group = max(n for n in range(1, min(_GROUP, batch) + 1) if batch % n == 0)
    y = x.view(group, batch // group, *x.shape[1:])  # (G, B/G, C, 4, 4)
    spread = (y.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # (B/G,)
    return spread.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
