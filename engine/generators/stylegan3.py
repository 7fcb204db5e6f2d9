"""StyleGAN3 (Karras et al., 2021, arXiv:2106.12423), alias-free: its details move with the picture, not with the pixels.

Keys as in NVIDIA's stylegan3. As in StyleGAN2 here, the modulation stays outside the convolutions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.network import NOTHING, Network
from engine.core.registry import register
from engine.generators.layers.alias_free import FilteredReLU, lowpass
from engine.generators.layers.bending import inverse
from engine.generators.layers.mapping_network import Dense
from engine.generators.layers.mapping_network import Mapping as MappingNetwork

DEPTH, CRITICAL, MARGIN = 14, 2, 10  # layers before tRGB; those that are critically sampled; pixels round the picture
TAPS = 6  # of a filter, a pixel of the lower rate


@dataclass(frozen=True, slots=True)
class Band:
    """What a layer's maps hold: frequencies up to `cutoff` cycles a frame, gone `width` above it, at `rate` pixels a frame."""

    cutoff: float
    width: float
    rate: int
    size: int
    channels: int


def bands(resolution: int, base: int, most: int) -> list[Band]:
    """The layers' bands, tRGB's last: cutoffs and stopbands rise geometrically (section 4 of the paper)."""
    last = resolution / 2
    share = np.minimum(np.arange(DEPTH + 1) / (DEPTH - CRITICAL), 1)
    cutoffs = 2 * (last / 2) ** share
    stops = 2**2.1 * (last * 2**0.3 / 2**2.1) ** share
    rates = np.exp2(np.ceil(np.log2(np.minimum(stops * 2, resolution))))
    widths = np.maximum(stops, rates / 2) - cutoffs
    sizes = np.append(rates[:-2] + 2 * MARGIN, [resolution, resolution])
    channels = np.append(np.rint(np.minimum(base / 2 / cutoffs, most))[:-1], 3)
    rows = zip(cutoffs, widths, rates, sizes, channels, strict=True)
    return [Band(float(c), float(w), int(r), int(s), int(n)) for c, w, r, s, n in rows]


class Input(nn.Module):
    """Fourier features (B,C,S,S), float32, of a plane that the style turns and shifts, and after it the view."""

    exact = ("weight", "transform", "freqs", "phases", "places")

    transform: Tensor
    freqs: Tensor
    phases: Tensor
    places: Tensor

    def __init__(self, w_size: int, band: Band) -> None:
        super().__init__()
        self.band = band
        freqs = torch.randn(band.channels, 2)
        radius = freqs.square().sum(1, keepdim=True).sqrt()
        freqs = freqs / (radius * radius.square().exp() ** 0.25) * band.cutoff
        self.weight = nn.Parameter(torch.randn(band.channels, band.channels))
        self.affine = Dense(w_size, 4, bias=(1.0, 0.0, 0.0, 0.0), scale=0.0)
        self.register_buffer("transform", torch.eye(3))
        self.register_buffer("freqs", freqs)
        self.register_buffer("phases", torch.rand(band.channels) - 0.5)
        axis = torch.arange(1 - band.size, band.size, 2, device="cpu") / (2 * band.rate)  # shares of the frame
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("places", torch.stack([u, v], 2).flatten(0, 1), persistent=False)  # (S*S, 2)

    def forward(self, w: Tensor, view: Tensor | None) -> Tensor:
        """w (B,W); view (B,4): x, y, angle, zoom."""
        pose = self.affine(w)  # (B, 4): cos, sin, x, y, to be divided by the length of the first two
        cos, sin, x, y = (pose / pose[:, :2].square().sum(1, keepdim=True).sqrt()).unbind(1)
        plane = torch.stack([cos, -sin, sin * y - cos * x, sin, cos, -sin * x - cos * y], 1).view(-1, 2, 3)
        plane = plane @ self.transform.float()
        if view is not None:
            right, down, angle, zoom = view.unbind(1)
            seen = inverse(right, down, zoom, angle)  # (B, 2, 3)
            plane = torch.cat([plane[:, :, :2] @ seen[:, :, :2], plane[:, :, :2] @ seen[:, :, 2:] + plane[:, :, 2:]], 2)
        phases = self.phases.float()[:, None] + self.freqs.float() @ plane[:, :, 2:]  # (B, C, 1)
        freqs = self.freqs.float() @ plane[:, :, :2]  # (B, C, 2)
        rest = self.band.rate / 2 - self.band.cutoff
        loud = (1 - (freqs.square().sum(2, keepdim=True).sqrt() - self.band.cutoff) / rest).clamp(0, 1)  # (B, C, 1)
        waves = torch.sin((freqs @ self.places.float().T + phases) * (2 * torch.pi)) * loud  # (B, C, S*S)
        mixed: Tensor = self.weight.float() / self.band.channels**0.5 @ waves  # (B, C, S*S)
        return mixed.view(-1, self.band.channels, self.band.size, self.band.size)


class Layer(nn.Module):
    """Modulated convolution and filtered leaky ReLU, from one band to the next."""

    exact = ("magnitude_ema",)
    folded = False

    magnitude_ema: Tensor

    def __init__(self, w_size: int, before: Band, band: Band, kernel: int, radial: bool, clamp: float) -> None:
        super().__init__()
        self.kernel = kernel
        self.affine = Dense(w_size, before.channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(band.channels, before.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(band.channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        rate = 2 * max(before.rate, band.rate)
        up, down = rate // before.rate, rate // band.rate
        rise = lowpass(TAPS * up, before.cutoff, 2 * before.width, rate)
        fall = lowpass(TAPS * down, band.cutoff, 2 * band.width, rate, radial)
        missing = (band.size - 1) * down + 1 - (before.size + kernel - 1) * up + len(rise) + len(fall) - 2
        skip = len(rise) - 1 - (missing + up) // 2  # so that both filters stay centred: appendix C.3 of the paper
        unseen = max(0, (skip - len(rise)) // up + 1)  # pixels at each edge that no pixel kept depends on: not drawn
        self.edge = kernel - 1 - unseen
        self.inner = before.size + 2 * self.edge - kernel + 1  # pixels of what the convolution draws
        self.act = FilteredReLU(up, down, rise, fall, skip - unseen * up, band.size, clamp)

    def fold(self) -> None:
        """Make the filters products of matrices, and keep what depends on the weights alone."""
        self.energy = self.weight.float().square().sum((2, 3))  # (O, I)
        self.act.fold_for(self.inner)
        self.folded = True

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x (B,I,R,R), w (B,W): (B,O,S,S)."""
        style = self.affine(w)  # (B, I), float32
        style = style * torch.rsqrt(style.square().mean(1, keepdim=True))
        energy = self.energy if self.folded else self.weight.float().square().sum((2, 3))  # (O, I)
        power = energy.mean(1) / self.kernel**2  # (O,)
        scale = torch.rsqrt(F.linear(style * style, energy / power[:, None]) + 1e-8) * torch.rsqrt(power)  # (B, O)
        style = style * torch.rsqrt(self.magnitude_ema.float())
        if self.weight.dtype != torch.float32:  # sums of thousands of products must not overflow
            fan = (x.shape[1] * self.kernel**2) ** 0.5
            style, scale = style / fan, scale * fan
        x = x.to(self.weight.dtype)
        if self.edge < 0:
            x = x[:, :, -self.edge : self.edge, -self.edge : self.edge]
        x = F.conv2d(x * style.to(x.dtype)[..., None, None], self.weight, padding=max(self.edge, 0))
        x = x.mul_(scale.to(x.dtype)[..., None, None]).add_(self.bias[:, None, None])  # fresh memory would cost more
        return self.act(x)  # type: ignore[no-any-return]


class ToRGB(nn.Module):
    """The last layer: modulated, not demodulated, and not filtered."""

    exact = ("magnitude_ema",)

    magnitude_ema: Tensor

    def __init__(self, w_size: int, before: Band, clamp: float) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = Dense(w_size, before.channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, before.channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.register_buffer("magnitude_ema", torch.ones([]))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x (B,C,H,W), w (B,W): (B,3,H,W), float32."""
        style = self.affine(w) * torch.rsqrt(self.magnitude_ema.float() * x.shape[1])  # (B, C)
        x = F.conv2d(x * style.to(x.dtype)[..., None, None], self.weight, self.bias).float()
        return x.clamp(-self.clamp, self.clamp) if self.clamp else x


class Synthesis(nn.Module):
    """The styles of all layers to a picture."""

    def __init__(self, w_size: int, rows: list[Band], kernel: int, radial: bool, clamp: float) -> None:
        super().__init__()
        self.input = Input(w_size, rows[0])
        for index, (before, band) in enumerate(zip([rows[0], *rows], rows, strict=False)):
            name = f"L{index}_{band.size}_{band.channels}"
            if index == DEPTH:
                self.add_module(name, ToRGB(w_size, before, clamp))
            else:
                self.add_module(name, Layer(w_size, before, band, kernel, radial and index < DEPTH - CRITICAL, clamp))

    def forward(self, w: Tensor, view: Tensor | None) -> Tensor:
        """w (B,L,W); view (B,4): (B,3,H,W), float32."""
        x: Tensor = self.input(w[:, 0], view)
        for index, layer in enumerate(list(self.children())[1:], 1):
            x = layer(x, w[:, index])
        return x * 0.25


@register("architecture", "stylegan3")
class StyleGAN3(Network):
    """The generator. It has no noise of its own: its random input is one number, and ignored.

    config: kind ("t": translations are followed exactly; "r": rotations too), and resolution, z_dim, w_dim, c_dim, channel_base,
    channel_max, mapping_layers, conv_clamp as for StyleGAN2. Kind r has, as published, twice the channels.

    live, all at rest at zero: spread, styles and w as for StyleGAN2, a layer's group being that of its highest frequency, and
    view (4,): the plane on which the picture lies is moved by x and y (shares of the frame, right and down) after it was turned
    by an angle (radians, counterclockwise) and enlarged by e^zoom round the middle of the frame.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        resolution, w_size, kind = int(config["resolution"]), int(config["w_dim"]), config["kind"]
        if resolution < 16 or resolution & (resolution - 1):
            raise ValueError(f"expected a resolution of 16, 32, 64, .. from [config]; got {resolution}")
        if kind not in ("t", "r"):
            raise ValueError(f"expected a kind of 't' or 'r' from [config]; got {kind!r}")
        rows = bands(resolution, int(config["channel_base"]), int(config["channel_max"]))
        self.z_size, c_size = int(config["z_dim"]), int(config["c_dim"])
        self.classes, self.resolution = max(c_size, 1), (resolution, resolution)
        self.noise_shape = (1, 1)
        detail = [round(2 * band.cutoff, 6) for band in [rows[0], *rows]]  # pixels that would hold it
        self.mapping = MappingNetwork(self.z_size, c_size, w_size, int(config["mapping_layers"]), detail)
        kernel = 3 if kind == "t" else 1
        self.synthesis = Synthesis(w_size, rows, kernel, kind == "r", float(config["conv_clamp"]))
        self.extra_inputs = {**self.mapping.extra_inputs, "view": (4,)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(config)

    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        """z (B,Z), y (B,C), truncation (B,1), noise (B,1,1), live[name] (B,*shape): the picture (B,3,H,W), about -1..1."""
        view = extra_inputs["view"].float() if "view" in extra_inputs else None
        return self.synthesis(self.mapping(z, y, truncation, extra_inputs), view)  # type: ignore[no-any-return]
