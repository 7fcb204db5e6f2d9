"""Pictures to codes, and the critic of single patches: the networks that Light's recipe trains beside its decoder."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.generators.light import BASE, Residual

LIMIT = 3.0  # learned channels lie within +-LIMIT


class Encoder(nn.Module):
    """Pictures (B,3,H,W) in -1..1 to codes (B,C,H/8,W/8): the cell means, then learned channels."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1),
            Residual(128), nn.ReLU(), nn.Conv2d(128, code - BASE, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        learned = LIMIT * torch.tanh(self.net(x).float() / LIMIT)
        return torch.cat([F.avg_pool2d(x, 8), learned], 1)


class PatchCritic(nn.Module):
    """Patch discriminator (B,3,H,W) -> (B,1,H/8,W/8) (Isola et al., 2017), spectrally normalised; also returns its features."""

    def __init__(self) -> None:
        super().__init__()
        normed = nn.utils.parametrizations.spectral_norm
        self.layers = nn.ModuleList(
            [
                normed(nn.Conv2d(3, 32, 4, 2, 1)),
                normed(nn.Conv2d(32, 64, 4, 2, 1)),
                normed(nn.Conv2d(64, 128, 4, 2, 1)),
                normed(nn.Conv2d(128, 128, 3, 1, 1)),
            ]
        )
        self.last = normed(nn.Conv2d(128, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.last(x), features
