"""What is done alike to real and drawn pictures before the critic sees them, so that few real ones do not run out.

`diffaugment`: colour, translation and cutout, always (Zhao et al., 2020, arXiv:2006.10738). `ada`: mirroring, quarter turns,
shifts, zooms, turns and colour with a probability that follows how sure the critic is of real pictures (Karras et al., 2020,
arXiv:2006.06676), without that paper's wavelet filters, noise and cutout, which its own experiments do without.
"""

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.studio.training.parallel import World

_GREY = 3**-0.5


class Augment(nn.Module, ABC):
    """Draws from torch's global generator; gradients pass through."""

    @abstractmethod
    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B,3,S,S) changed, each in its own way."""

    def heard(self, logits: Tensor, batch: int, step: int, world: World) -> None:
        """What the critic said at `step` of the real pictures (B,), out of a `batch` on all ranks."""


class Untouched(Augment):
    """No augmentation."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures


class DiffAugment(Augment):
    """Colour, translation by up to an eighth, and one square of half the side cut out."""

    def forward(self, pictures: Tensor) -> Tensor:
        return cutout(translated(coloured(pictures)))


def coloured(x: Tensor) -> Tensor:
    """Brightness +-0.5, saturation 0..2, contrast 0.5..1.5."""
    light, colour, contrast = torch.rand(3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype)
    x = x + (light - 0.5)
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (2 * colour) + grey
    middle = x.mean((1, 2, 3), keepdim=True)
    return cast(Tensor, (x - middle) * (contrast + 0.5) + middle)


def translated(x: Tensor, share: float = 0.125) -> Tensor:
    """Shifted by whole pixels, up to `share` of the side each way; what comes in is 0."""
    batch, _, height, width = x.shape
    reach = round(height * share), round(width * share)
    down, right = (torch.randint(-n, n + 1, (batch, 1), device=x.device) for n in reach)
    rows = (torch.arange(height, device=x.device) + down).clamp(-1, height) + 1  # (B, H), into the padded picture
    columns = (torch.arange(width, device=x.device) + right).clamp(-1, width) + 1
    padded = F.pad(x, (1, 1, 1, 1))
    moved = padded.gather(2, rows[:, None, :, None].expand(-1, x.shape[1], -1, width + 2))
    return moved.gather(3, columns[:, None, None, :].expand(-1, x.shape[1], height, -1))


def cutout(x: Tensor, share: float = 0.5) -> Tensor:
    """A square of `share` of the side set to 0, anywhere, also half outside."""
    batch, _, height, width = x.shape
    inside = []
    for side in (height, width):
        middle = torch.randint(0, side + 1, (batch, 1), device=x.device)
        inside.append((torch.arange(side, device=x.device) - middle + 0.5).abs() < side * share / 2)  # (B, side)
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # (B, 1, H, W)
    return x.masked_fill(hole, 0.0)


class Ada(Augment):
    """Each change with probability `p`, which rises while the critic is surer of real pictures than `target` and falls below.

    `p` crosses 0..1 in half a million pictures.
    """

    p: Tensor
    signs: Tensor

    def __init__(self, target: float = 0.6, pictures: float = 500e3, every: int = 4) -> None:
        super().__init__()
        self.target, self.pictures, self.every = target, pictures, every
        self.register_buffer("p", torch.zeros([]))
        self.register_buffer("signs", torch.zeros([]))  # their sum since p was last moved

    @torch.no_grad()
    def heard(self, logits: Tensor, batch: int, step: int, world: World) -> None:
        self.signs += logits.float().sign().mean()
        if (step + 1) % self.every:
            return
        mean = world.mean(self.signs / self.every)
        self.p.copy_((self.p + torch.sign(mean - self.target) * (batch * self.every / self.pictures)).clamp(0, 1))
        self.signs.zero_()

    def forward(self, pictures: Tensor) -> Tensor:
        place = self._places(len(pictures), pictures.device)  # (B, 2, 3)
        grid = F.affine_grid(place, list(pictures.shape), align_corners=False)
        moved = F.grid_sample(pictures.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        colour = self._colours(len(pictures), pictures.device)  # (B, 3, 4)
        out = torch.einsum("bij,bjhw->bihw", colour[..., :3], moved) + colour[..., 3, None, None]
        return out

    def _now(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        return torch.rand(shape, device=device) < self.p

    def _normal(self, batch: int, spread: float, device: torch.device) -> Tensor:
        """N(0, spread) for those that are changed, 0 for the others (B,)."""
        return torch.randn(batch, device=device) * spread * self._now((batch,), device)

    def _places(self, batch: int, device: torch.device) -> Tensor:
        """Where each pixel of the changed picture is taken from, in -1..1: (B,2,3)."""
        mirror = 1 - 2 * (self._now((batch,), device) & (torch.rand(batch, device=device) < 0.5)).float()
        quarter = torch.randint(0, 4, (batch,), device=device) * self._now((batch,), device) * (torch.pi / 2)
        turn = (torch.rand(batch, device=device) * 2 - 1) * torch.pi * self._now((batch,), device)
        zoom = torch.exp2(self._normal(batch, 0.2, device))
        wide = torch.exp2(self._normal(batch, 0.2, device))
        shift = 2 * torch.stack([self._normal(batch, 0.125, device), self._normal(batch, 0.125, device)], 1)  # (B, 2)
        angle = quarter + turn
        cos, sin = torch.cos(angle), torch.sin(angle)
        rows = torch.stack([zoom * wide * mirror * cos, -zoom * wide * sin, zoom / wide * mirror * sin, zoom / wide * cos], 1)
        return torch.cat([rows.view(batch, 2, 2), shift[..., None]], 2)

    def _colours(self, batch: int, device: torch.device) -> Tensor:
        """Brightness, contrast, luma flip, hue and saturation as one affine map of colours: (B,3,4)."""
        eye = torch.eye(3, device=device)
        grey = torch.full((3, 3), 1 / 3, device=device)  # onto the axis of greys
        around = torch.tensor([[0.0, -_GREY, _GREY], [_GREY, 0.0, -_GREY], [-_GREY, _GREY, 0.0]], device=device)
        contrast = torch.exp2(self._normal(batch, 0.5, device))[:, None, None]
        flip = (self._now((batch,), device) & (torch.rand(batch, device=device) < 0.5)).float()[:, None, None]
        hue = ((torch.rand(batch, device=device) * 2 - 1) * torch.pi * self._now((batch,), device))[:, None, None]
        colour = torch.exp2(self._normal(batch, 1.0, device))[:, None, None]
        turned = torch.cos(hue) * (eye - grey) + torch.sin(hue) * around  # what is not grey, turned about the greys
        linear = contrast * ((1 - 2 * flip) * grey + colour * turned)  # (B, 3, 3)
        light = self._normal(batch, 0.2, device)[:, None, None].expand(-1, 3, 1) * contrast
        return torch.cat([linear, light], 2)


def augment(name: str) -> Augment:
    """The augmentation called `name`. Raises ValueError."""
    kinds: dict[str, type[Augment]] = {"diffaugment": DiffAugment, "ada": Ada, "none": Untouched}
    if name not in kinds:
        raise ValueError(f"expected augment to be one of {', '.join(kinds)}; got {name!r}")
    return kinds[name]()
