"""Any network followed by Real-ESRGAN's small video model: the same picture at two to four times the size.

Wang et al., Real-ESRGAN, 2021 (arXiv:2107.10833): SRVGGNetCompact, 0.62 M parameters, one convolution stack at the small size
and a pixel shuffle to four times, added to the enlarged picture. 40 GMAC at 256 px: for graphics cards, and for films.
"""

from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.network import NOTHING, Network
from engine.core.registry import lookup, register

CHANNELS, DEPTH, WHOLE = 64, 16, 4  # feature maps, layers of them, and the factor that the network always draws


class Upscaler(nn.Module):
    """Pictures (B,3,H,W) in -1..1 to `factor` times their size."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        if not 2 <= factor <= WHOLE:
            raise ValueError(f"expected a factor of 2 to {WHOLE} from [config]; got {factor}")
        self.factor = factor
        layers: list[nn.Module] = [nn.Conv2d(3, CHANNELS, 3, padding=1), nn.PReLU(CHANNELS)]
        for _ in range(DEPTH):
            layers += [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.PReLU(CHANNELS)]
        self.body = nn.Sequential(*layers, nn.Conv2d(CHANNELS, 3 * WHOLE * WHOLE, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        small = picture.float() * 0.5 + 0.5  # it was trained on 0..1
        drawn = self.body(small.to(next(self.parameters()).dtype)).float()
        large = F.pixel_shuffle(drawn, WHOLE) + F.interpolate(small, scale_factor=float(WHOLE))
        if self.factor < WHOLE:
            large = F.interpolate(large, scale_factor=self.factor / WHOLE, mode="bicubic")
        return (large * 2 - 1).clamp(-1, 1)  # (B, 3, sH, sW), float32


@register("architecture", "upscaled")
class Upscaled(Network):
    """config: factor (2 to 4), base (the architecture that draws), config (its own). All inputs are the base's."""

    def __init__(self, factor: int, base: Network) -> None:
        super().__init__()
        self.base, self.upscaler = base, Upscaler(factor)
        self.z_size, self.noise_shape, self.classes = base.z_size, base.noise_shape, base.classes
        self.extra_inputs, self.costly = base.extra_inputs, base.costly
        self.resolution = (base.resolution[0] * factor, base.resolution[1] * factor)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(int(config["factor"]), lookup("architecture", str(config["base"])).from_config(config["config"]))

    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        picture: Tensor = self.upscaler(self.base(z, y, truncation, noise, extra_inputs))
        return picture
