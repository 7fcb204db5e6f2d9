"""What Light does to codes while it plays, done to a training crop: shifted, zoomed, rolled and bent windows, and contests."""

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.generators.light import BASE


def windows(batch: int, cells: int, shown: int, device: torch.device, still: float = 0.25) -> tuple[Tensor, Tensor]:
    """Random sampling grids over a crop of `cells` squared: one node a shown cell (B,N,N,2), and the same one a pixel.

    A share `still` of them lies exactly on the cells; the others are zoomed, rolled and bent.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(batch, *shape, device=device)

    size, roll = uniform(0.72, 1.0, 1, 1), torch.randn(batch, 1, 1, device=device) * 0.12
    waves = [(torch.randn(batch, 2, 1, 1, device=device) * 2.2, uniform(0, 6.3, 1, 1), uniform(0, 0.025, 1, 1)) for _ in range(3)]
    part = shown / cells
    slide = uniform(-1, 1, 1, 1, 2) * (1 - part)
    whole = (torch.randint(0, cells - shown + 1, (batch, 1, 1, 2), device=device) * 2 - (cells - shown)) / cells
    rest = uniform(0, 1, 1, 1, 1) < still

    def grid(n: int) -> Tensor:
        axis = (torch.arange(n, device=device) + 0.5) * 2 / n - 1
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        x, y = size * (torch.cos(roll) * u - torch.sin(roll) * v), size * (torch.sin(roll) * u + torch.cos(roll) * v)
        for k, phase, height in waves:
            wave = torch.cos(k[:, 0] * u + k[:, 1] * v + phase) * height
            x, y = x + wave * k[:, 1], y - wave * k[:, 0]
        moved = torch.stack([x, y], -1) * part + slide
        return torch.where(rest, torch.stack([u, v], -1) * part + whole, moved)

    return grid(shown), grid(8 * shown)


def contest(code: Tensor) -> Tensor:
    """Two codes a cell compete as in Light: smooth random scores plus brightness, and the texture gain where they tie."""
    other = code.roll(1, 0)
    score = torch.randn(len(code), 1, 4, 4, device=code.device) * 4
    score = F.interpolate(score, size=code.shape[-2:], mode="bicubic", align_corners=False)
    score = score + 2 * (code[:, :BASE].mean(1, keepdim=True) - other[:, :BASE].mean(1, keepdim=True))
    share = torch.sigmoid(score)
    mix = share * code + (1 - share) * other
    gain = (share**2 + (1 - share) ** 2) ** -0.2
    return torch.cat([mix[:, :BASE], mix[:, BASE:] * gain], 1)


def checker(x: Tensor) -> Tensor:
    """What alternates from pixel to pixel in both directions: the band where sub-pixel layers leave a mesh."""
    return (x[..., 1:, 1:] - x[..., :-1, 1:] - x[..., 1:, :-1] + x[..., :-1, :-1]) / 2
