"""Network bending: feature maps moved, zoomed, turned and amplified inside a network (Broad et al., 2021, arXiv:2005.12420)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def inverse(x: Tensor, y: Tensor, zoom: Tensor, angle: Tensor) -> Tensor:
    """Where the content of each place comes from, if it is enlarged by e^zoom and turned by angle (radians, counterclockwise)
    round the middle, and then moved by x and y: (B,2,3) on shares of the frame, right and down from its middle. Inputs (B,).
    """
    cos, sin = torch.cos(angle) * torch.exp(-zoom), torch.sin(angle) * torch.exp(-zoom)
    return torch.stack([cos, -sin, sin * y - cos * x, sin, cos, -sin * x - cos * y], 1).view(-1, 2, 3)


class Bend(nn.Module):
    """Bends a share of `channels` feature maps of `size` x `size`, mirrored beyond their edges."""

    exact = ("rank", "places")

    rank: Tensor
    places: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        shuffled = torch.randperm(channels, generator=torch.Generator().manual_seed(size), device="cpu").float()
        self.register_buffer("rank", shuffled, persistent=False)  # (C,): the order in which the maps are taken
        axis = torch.arange(1, 2 * size, 2, device="cpu") / (2 * size) - 0.5
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("places", torch.stack([u, v, torch.ones_like(u)], 2).flatten(0, 1), persistent=False)  # (S*S, 3)

    def forward(self, x: Tensor, knobs: Tensor) -> Tensor:
        """x (B,C,S,S); knobs (B,6): translate x and y, zoom (log), angle, gain (log), share of the maps."""
        channels, size = x.shape[1:3]
        right, down, zoom, angle, gain, share = knobs.float().unbind(1)
        source = self.places.float() @ inverse(right, down, zoom, angle).transpose(1, 2)  # (B, S*S, 2)
        grid = 2 * source.view(-1, size, size, 2)  # its frame is 2 wide
        bent = F.grid_sample(x.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        bent = bent * torch.exp(gain)[:, None, None, None]
        chosen = (share[:, None] * channels - self.rank.float()).clamp(0, 1)[..., None, None]  # (B, C, 1, 1)
        return torch.lerp(x.float(), bent, chosen).to(x.dtype)
