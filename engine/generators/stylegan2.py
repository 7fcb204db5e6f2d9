"""StyleGAN2 (Karras et al., 2020, arXiv:1912.04958), written for playing. Keys as in NVIDIA's stylegan2-ada-pytorch.

The modulation stays outside the convolutions, which therefore keep constant weights for every latent and any batch:
maps are scaled by the style before, and by the demodulation coefficients after.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.network import NOTHING, Network
from engine.core.registry import register
from engine.generators.layers.bending import Bend
from engine.generators.layers.mapping_network import Dense
from engine.generators.layers.mapping_network import Mapping as MappingNetwork

ROOT2 = 2**0.5
BENDABLE = 64  # pixels: the largest feature maps that may be bent


class Grain(nn.Module):
    """A layer's noise: the checkpoint's own map, from which the network's random input moves away and back.

    (const + a n0 + b n1) / sqrt(1 + n0^2 + n1^2) has unit variance wherever n goes, because a and b are fixed maps of N(0,1).
    """

    noise: Tensor

    def __init__(self, size: int, seed: int) -> None:
        super().__init__()
        maps = torch.randn(2, size, size, generator=torch.Generator().manual_seed(seed), device="cpu")
        self.register_buffer("noise", maps, persistent=False)

    def forward(self, const: Tensor, strength: Tensor, n: Tensor) -> Tensor:
        """const (S,S); strength (B,); n (B,2): the noise to add (B,1,S,S), in the type of const."""
        share = F.pad(n, (1, 0), value=1.0)  # (B, 3)
        share = share * (strength * torch.rsqrt((share * share).sum(1)))[:, None]
        maps = torch.cat([const[None], self.noise])  # (3, S, S)
        return (share.to(maps.dtype) @ maps.flatten(1)).view(-1, 1, *const.shape)


class Layer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU; with `up`, to twice the size."""

    exact = ("noise_strength",)
    filters = ("fir",)

    folded = False

    noise_const: Tensor
    fir: Tensor

    def __init__(self, n_in: int, n_out: int, w_size: int, size: int, up: bool, clamp: float, seed: int) -> None:
        super().__init__()
        self.up, self.clamp, self.size = up, clamp, size
        self.affine = Dense(w_size, n_in, bias=1.0)
        self.weight = nn.Parameter(torch.randn(n_out, n_in, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.grain = Grain(size, seed)
        if up:
            self.register_buffer("fir", _fir(n_out), persistent=False)

    def fold(self) -> None:
        """Make the low-pass part of the convolution before it, and keep what depends on the weights alone."""
        weight = self.weight.float()
        self.maps = torch.cat([self.noise_const[None], self.grain.noise])  # (3, S, S)
        self.offset = self.bias[:, None, None] * ROOT2
        if self.up:
            taps = F.pad(torch.eye(9, device=weight.device).view(9, 1, 3, 3), (3, 3, 3, 3))
            spread = F.conv2d(taps, self.fir[:1].float()).flatten(1)  # (9, 36): what becomes of each of a kernel's taps
            both = (weight.flatten(2) @ spread).view(*weight.shape[:2], 6, 6)
            self.wide = both.transpose(0, 1).to(self.weight.dtype).contiguous(memory_format=torch.channels_last)  # (I, O, 6, 6)
        self.folded = True

    def forward(self, x: Tensor, w: Tensor, n: Tensor, strength: Tensor) -> Tensor:
        """x (B,I,S,S) or, with `up`, (B,I,S/2,S/2); w (B,W); n (B,2); strength (B,) times the checkpoint's: (B,O,S,S)."""
        style = self.affine(w)  # (B, I), float32
        if self.weight.dtype != torch.float32:  # sums of thousands of products must not overflow; demodulation takes it back
            style = style / (style.abs().amax(1, keepdim=True) * (9 * x.shape[1]) ** 0.5)
        scale = torch.rsqrt(F.linear(style * style, self.energy()) + 1e-8) * ROOT2  # (B, O); leaky ReLU lets the gain through
        grain = self.grain(self.noise_const, self.noise_strength.float() * strength * ROOT2, n)  # (B, 1, S, S)
        return self.draw(x, style.to(x.dtype), scale.to(x.dtype), grain)

    def energy(self) -> Tensor:
        """How loud each input is in each output (O,I), float32."""
        return self.weight.float().square().sum((2, 3))

    def draw(self, x: Tensor, style: Tensor, scale: Tensor, grain: Tensor) -> Tensor:
        """x as above, style (B,I) and scale (B,O), grain (B,1,S,S), all of one type: (B,O,S,S)."""
        if self.folded:
            kernel, x = _styled(self.wide if self.up else self.weight, x, style, turned=self.up)
            x = F.conv_transpose2d(x, kernel, stride=2, padding=2) if self.up else F.conv2d(x, kernel, padding=1)
            x = torch.addcmul(grain, x, scale[..., None, None]).add_(self.offset)
        else:
            x = x * style[..., None, None]
            if self.up:
                x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)  # (B, O, S + 1, S + 1)
                x = F.conv2d(x.to(self.fir.dtype), self.fir, padding=1, groups=x.shape[1]).to(x.dtype)
            else:
                x = F.conv2d(x, self.weight, padding=1)
            # In place, because fresh memory costs more than the arithmetic.
            x = x.mul_(scale[..., None, None]).add_(grain).add_(self.bias[:, None, None] * ROOT2)
        if self.clamp:
            x = x.clamp_(-self.clamp / 0.2, self.clamp)
        return F.leaky_relu(x, 0.2, inplace=True)


class ToRGB(nn.Module):
    """Feature maps (B,C,S,S) to a share of the picture (B,3,S,S), float32: modulated, not demodulated."""

    folded = False

    def __init__(self, channels: int, w_size: int, clamp: float) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = Dense(w_size, channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w) / x.shape[1] ** 0.5  # (B, C)
        return self.draw(x, style.to(x.dtype))

    def fold(self) -> None:
        """Let the style go where it costs least."""
        self.folded = True

    def draw(self, x: Tensor, style: Tensor) -> Tensor:
        """x (B,C,S,S), style (B,C), of one type: (B,3,S,S), float32."""
        kernel, x = _styled(self.weight, x, style) if self.folded else (self.weight, x * style[..., None, None])
        x = F.conv2d(x, kernel, self.bias)
        return (x.clamp(-self.clamp, self.clamp) if self.clamp else x).float()


class Block(nn.Module):
    """One resolution: its layers, the way to the picture and, where there is one, its bend."""

    exact = ("fir",)

    fir: Tensor

    def __init__(self, n_in: int, n_out: int, w_size: int, size: int, clamp: float) -> None:
        super().__init__()
        if n_in:
            self.conv0 = Layer(n_in, n_out, w_size, size, True, clamp, seed=2 * size)
            self.register_buffer("fir", _fir(3), persistent=False)
        else:
            self.const = nn.Parameter(torch.randn(n_out, size, size))
        self.conv1 = Layer(n_out, n_out, w_size, size, False, clamp, seed=2 * size + 1)
        self.torgb = ToRGB(n_out, w_size, clamp)
        if size <= BENDABLE:
            self.bend = Bend(n_out, size)

    def layers(self) -> Iterator[Layer]:
        """The convolutions, in order."""
        if hasattr(self, "conv0"):
            yield self.conv0
        yield self.conv1


class Synthesis(nn.Module):
    """The styles of all layers to a picture."""

    folded = False

    def __init__(self, sizes: list[int], channels: list[int], w_size: int, clamp: float) -> None:
        super().__init__()
        for size, n_in, n_out in zip(sizes, [0, *channels], channels, strict=False):
            self.add_module(f"b{size}", Block(n_in, n_out, w_size, size, clamp))

    def blocks(self) -> Iterator[Block]:
        """The blocks, smallest first."""
        for block in self.children():
            assert isinstance(block, Block)
            yield block

    def fold(self) -> None:
        """Gather what the styles of all layers are reckoned from, so that few products reckon all of them."""
        self.folded = True
        self.manners = Manners(list(self.blocks()))

    def forward(self, w: Tensor, noise: Tensor, strength: Tensor, bend: Tensor | None) -> Tensor:
        """w (B,L,W); noise (B,L-1,2); strength (B,L-1) times the checkpoint's own; bend (B,K,6): (B,3,H,W), float32."""
        if self.folded:
            return self._from_manners(w, noise, strength, bend)
        index, x, picture = 0, torch.empty(0), torch.empty(0)
        for level, block in enumerate(self.blocks()):
            if level == 0:
                x = block.const.expand(w.shape[0], -1, -1, -1)
            for layer in block.layers():
                x = layer(x, w[:, index], noise[:, index], strength[:, index])
                index += 1
            if bend is not None and hasattr(block, "bend"):
                x = block.bend(x, bend[:, level])
            drawn = block.torgb(x, w[:, index])
            if level:
                drawn = drawn + F.conv_transpose2d(picture, block.fir.float(), stride=2, padding=1, groups=3)
            picture = drawn
        return picture

    def _from_manners(self, w: Tensor, noise: Tensor, strength: Tensor, bend: Tensor | None) -> Tensor:
        """What `forward` does, once folded."""
        blocks = list(self.blocks())
        x = blocks[0].const.expand(w.shape[0], -1, -1, -1)
        layers, colours = self.manners.reckon(w, noise, strength, x.dtype)
        picture = torch.empty(0)
        for level, block in enumerate(blocks):
            for layer in block.layers():
                style, scale, share = next(layers)
                x = layer.draw(x, style, scale, (share @ layer.maps.flatten(1)).view(-1, 1, *layer.maps.shape[1:]))
            if bend is not None and hasattr(block, "bend"):
                x = block.bend(x, bend[:, level])
            drawn = block.torgb.draw(x, next(colours))
            if level:
                drawn = drawn + F.conv_transpose2d(picture, block.fir.float(), stride=2, padding=1, groups=3)
            picture = drawn
        return picture


class Manners:
    """The styles, scales and shares of noise of all layers at once, from stacks of their weights filled up with zeros."""

    def __init__(self, blocks: list[Block]) -> None:
        self.layers = [layer for block in blocks for layer in block.layers()]
        self.colours = [block.torgb for block in blocks]
        affines = [*(layer.affine for layer in self.layers), *(colour.affine for colour in self.colours)]
        wide = max(len(affine.bias) for affine in affines)
        deep = max(len(layer.bias) for layer in self.layers)
        weights = [_filled(affine.weight.float() * affine.gain, wide) for affine in affines]
        self.weights = torch.stack(weights).transpose(1, 2).contiguous()  # (P, W, wide)
        self.biases = torch.stack([_filled(affine.bias.float() * affine.pace, wide) for affine in affines])[:, None]
        energies = [_filled(F.pad(layer.energy(), (0, wide - len(layer.affine.bias))), deep) for layer in self.layers]
        self.energies = torch.stack(energies).transpose(1, 2).contiguous()  # (L - 1, wide, deep)
        self.fans = torch.tensor([(9 * len(layer.affine.bias)) ** 0.5 for layer in self.layers])[:, None, None].to(self.weights)
        self.roots = torch.tensor([len(part.affine.bias) ** 0.5 for part in self.colours])[:, None, None].to(self.weights)
        self.strengths = torch.stack([layer.noise_strength.float() for layer in self.layers]) * ROOT2  # (L - 1,)
        last = [sum(1 for block in blocks[: index + 1] for _ in block.layers()) for index in range(len(blocks))]
        self.at = torch.tensor([*range(len(self.layers)), *last], device=self.weights.device)  # (P,): whose w each part takes

    def reckon(
        self, w: Tensor, noise: Tensor, strength: Tensor, dtype: torch.dtype
    ) -> tuple[Iterator[tuple[Tensor, Tensor, Tensor]], Iterator[Tensor]]:
        """Style (B,I), scale (B,O) and share (B,3) of each layer in turn, and the style (B,C) of each way to the picture."""
        style = torch.baddbmm(self.biases, w.index_select(1, self.at).transpose(0, 1), self.weights)  # (P, B, wide)
        count = len(self.layers)
        drawing, colouring = style[:count], (style[count:] / self.roots).to(dtype)
        drawing = drawing / (drawing.abs().amax(2, keepdim=True) * self.fans)  # as in half precision: demodulation takes it back
        scale = (torch.rsqrt(torch.bmm(drawing * drawing, self.energies) + 1e-8) * ROOT2).to(dtype)  # (L - 1, B, deep)
        drawing = drawing.to(dtype)
        share = F.pad(noise, (1, 0), value=1.0)  # (B, L - 1, 3)
        share = (share * (self.strengths * strength * torch.rsqrt((share * share).sum(2)))[..., None]).to(dtype)
        layers = (
            (drawing[index, :, : len(layer.affine.bias)], scale[index, :, : len(layer.bias)], share[:, index])
            for index, layer in enumerate(self.layers)
        )
        return layers, (colouring[index, :, : len(part.affine.bias)] for index, part in enumerate(self.colours))


def _filled(values: Tensor, rows: int) -> Tensor:
    """(n, ...) and zeros to (rows, ...)."""
    return torch.cat([values, values.new_zeros(rows - len(values), *values.shape[1:])])


@register("architecture", "stylegan2")
class StyleGAN2(Network):
    """The generator. Noise of zeros is the reference's noise_mode "const".

    config: resolution (4 px times a power of 2), z_dim, w_dim, c_dim (classes; 0: unconditional), channel_base and channel_max
    (a layer of r px has min(channel_base / r, channel_max) maps), mapping_layers, conv_clamp (0: none).

    live, all at rest at zero; groups are the layers up to 8 px, up to 32 px and above:
    spread (3,): a group's truncation is truncation (1 + spread).
    styles (Z+3,): another latent, then how far each group takes its style from it, 0..1.
    nudge (W,): added to the styles of all layers.
    w (L*W+1,): the styles of all layers, then how far they take the place of those that were mapped, 0..1.
    grain (3,): a group's noise strength is the checkpoint's times (1 + grain).
    bend (K,6): for 4, 8, .. 64 px what is done to their feature maps, see Bend.
    """

    costly = ("bend",)

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        resolution, w_size = int(config["resolution"]), int(config["w_dim"])
        if resolution < 8 or resolution & (resolution - 1):
            raise ValueError(f"expected a resolution of 8, 16, 32, .. from [config]; got {resolution}")
        sizes = [2**power for power in range(2, resolution.bit_length())]
        channels = [min(int(config["channel_base"]) // size, int(config["channel_max"])) for size in sizes]
        layers = [size for size in sizes for _ in range(2)][1:]  # one a convolution; the last tRGB has one more
        self.z_size, c_size = int(config["z_dim"]), int(config["c_dim"])
        self.classes, self.resolution = max(c_size, 1), (resolution, resolution)
        self.noise_shape = (len(layers), 2)
        self.mapping = MappingNetwork(self.z_size, c_size, w_size, int(config["mapping_layers"]), [*layers, resolution])
        self.synthesis = Synthesis(sizes, channels, w_size, float(config["conv_clamp"]))
        bends = sum(size <= BENDABLE for size in sizes)
        self.extra_inputs = {**self.mapping.extra_inputs, "grain": (3,), "bend": (bends, 6)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(config)

    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        """z (B,Z), y (B,C), truncation (B,1), noise (B,L-1,2), live[name] (B,*shape): the picture (B,3,H,W), about -1..1."""
        w = self.mapping(z, y, truncation, extra_inputs)
        strength = torch.ones_like(noise[..., 0], dtype=torch.float32)  # (B, L - 1)
        if "grain" in extra_inputs:
            strength = strength + self.mapping.by_layer(extra_inputs["grain"].float())[:, :-1, 0]
        return self.synthesis(w, noise.float(), strength, extra_inputs.get("bend"))  # type: ignore[no-any-return]


def _styled(kernel: Tensor, x: Tensor, style: Tensor, turned: bool = False) -> tuple[Tensor, Tensor]:
    """Kernel (O,I,K,K), `turned` (I,O,K,K), and maps (B,I,S,S), one of them scaled by the style (B,I) of its inputs.

    The smaller one is, for a single picture: scaling is nothing but reading and writing.
    """
    if x.shape[0] > 1 or kernel.numel() > x.numel():
        return kernel, x * style[..., None, None]
    return kernel * (style.view(-1, 1, 1, 1) if turned else style.view(-1, 1, 1)), x


def _fir(channels: int) -> Tensor:
    """The low-pass after inserting zeros (C,1,4,4): [1, 3, 3, 1] both ways, with a gain of 4."""
    tap = torch.tensor([1.0, 3.0, 3.0, 1.0], device="cpu") / 4
    return tap.outer(tap).expand(channels, 1, 4, 4).clone()
