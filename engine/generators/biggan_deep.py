"""BigGAN-deep (Brock, Donahue, Simonyan, 2019), written for inference: soft classes, truncation as a live input.

What the published network does on every frame and need not is done once, by `from_hugging_face`: each spectrally normalised
weight is divided by its norm, and of the last convolution only the three channels that are seen are kept. Batch norms look
their statistics up by truncation, of which the checkpoints hold 51 sets; here that is a product with a (B,51) matrix of
shares, so that truncation may move, and differ, within a batch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.network import NOTHING, Network
from engine.core.registry import register
from engine.generators.layers.bending import Bend

STATISTICS = 51  # sets of statistics in a checkpoint, for truncation 0, 0.02, ..., 1
EPSILON = 1e-4
ATTENTION = 8  # blocks before the attention
BENDABLE = 64  # pixels: the largest feature maps that may be bent
Layer = tuple[bool, int, int]  # twice the size?, channels in, channels out, both in units of the channel width


def _layers(text: str) -> tuple[Layer, ...]:
    """`16-16 16-16^` as layers."""
    pairs = [block.rstrip("^").split("-") for block in text.split()]
    return tuple((block.endswith("^"), int(a), int(b)) for block, (a, b) in zip(text.split(), pairs, strict=True))


_LARGE = "16-16 16-16^ 16-16 16-8^ 8-8 8-8^ 8-8 8-4^ 4-4 4-2^ 2-2 2-1^"
LAYERS = {
    128: _layers("16-16 16-16^ 16-16 16-8^ 8-8 8-4^ 4-4 4-2^ 2-2 2-1^"),
    256: _layers(_LARGE),
    512: _layers(f"{_LARGE} 1-1 1-1^"),
}


class Norm(nn.Module):
    """A batch norm with a ReLU. Its statistics (51,C) stay float32 in every precision: variances do not fit half."""

    exact = ("means", "variances")

    means: Tensor
    variances: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(STATISTICS, channels))
        self.register_buffer("variances", torch.ones(STATISTICS, channels))

    def normalise(self, x: Tensor, shares: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
        """relu((x - mean) / deviation * scale + offset) of x (B,C,h,w); shares (B,51), scale and offset (B,C) or (C,)."""
        mean, variance = shares @ self.means, shares @ self.variances  # (B, C)
        factor = scale.float() * torch.rsqrt(variance + EPSILON)
        summand = offset.float() - mean * factor
        return F.relu(torch.addcmul(summand.to(x.dtype)[..., None, None], x, factor.to(x.dtype)[..., None, None]))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        kept = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in kept.items():
            moved = getattr(self, name)
            if moved.dtype != torch.float32:
                setattr(self, name, buffer.to(moved.device, torch.float32))
        return self


class ConditionalNorm(Norm):
    """A batch norm whose scale and offset are linear in the condition."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__(channels)
        self.scale = nn.Linear(condition, channels, bias=False)
        self.offset = nn.Linear(condition, channels, bias=False)

    def forward(self, x: Tensor, condition: Tensor, shares: Tensor) -> Tensor:
        return self.normalise(x, shares, 1 + self.scale(condition), self.offset(condition))


class LastNorm(Norm):
    """A batch norm with a scale and an offset of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        return self.normalise(x, shares, self.weight, self.bias)


class Block(nn.Module):
    """A residual block with a bottleneck: four norms and convolutions; its skip keeps the first channels that fit."""

    def __init__(self, wide: int, out: int, up: bool, condition: int) -> None:
        super().__init__()
        middle = wide // 4
        self.out, self.up = out, up
        self.norm_0 = ConditionalNorm(wide, condition)
        self.norm_1 = ConditionalNorm(middle, condition)
        self.norm_2 = ConditionalNorm(middle, condition)
        self.norm_3 = ConditionalNorm(middle, condition)
        self.conv_0 = nn.Conv2d(wide, middle, 1)
        self.conv_1 = nn.Conv2d(middle, middle, 3, padding=1)
        self.conv_2 = nn.Conv2d(middle, middle, 3, padding=1)
        self.conv_3 = nn.Conv2d(middle, out, 1)

    def forward(self, x: Tensor, condition: Tensor, shares: Tensor) -> Tensor:
        """x (B,wide,h,w), condition (B,Z+E), shares (B,51): (B,out,h,w), or twice the size."""
        skip = x[:, : self.out]
        x = self.conv_0(self.norm_0(x, condition, shares))
        x = self.norm_1(x, condition, shares)
        if self.up:
            skip, x = (F.interpolate(each, scale_factor=2.0, mode="nearest") for each in (skip, x))
        x = self.conv_1(x)
        x = self.conv_2(self.norm_2(x, condition, shares))
        x = self.conv_3(self.norm_3(x, condition, shares))
        return skip + x


class Attention(nn.Module):
    """Self-attention of a picture's places, with keys and values at half the size (Zhang et al., 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.phi = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.o = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        query = self.theta(x).flatten(2).transpose(1, 2)  # (B, h*w, C/8)
        key = F.max_pool2d(self.phi(x), 2).flatten(2)  # (B, C/8, h*w/4)
        value = F.max_pool2d(self.g(x), 2).flatten(2).transpose(1, 2)  # (B, h*w/4, C/2)
        weight = torch.softmax(query @ key, 2)  # (B, h*w, h*w/4)
        seen = (weight @ value).transpose(1, 2)  # (B, C/2, h*w)
        drawn: Tensor = self.o(seen.reshape(*seen.shape[:2], *x.shape[2:]))  # (B, C, h, w)
        return x + self.gamma * drawn


@register("architecture", "biggan_deep")
class BigGanDeep(Network):
    """The generator. The noise is not used.

    config: resolution (128, 256 or 512), ch (channel width: 128 in the published ones), num_classes, z_dim, hf_compat (read the
    statistics as the Hugging Face port does, which swaps the two weights of its interpolation); layers and attention, if the
    table of blocks, and the number of them before the attention, are others than the published ones.

    BigGAN was trained with z ~ N(0,1) and is shown with z from a normal distribution cut off at +-2, times the truncation. Here
    z ~ N(0,1) comes in; it is clamped to +-2 and multiplied by the truncation, which also chooses the statistics.

    live, at rest at zero: bend (K,6): for 4, 8, .. 64 px what is done to their feature maps, see Bend.
    """

    costly = ("bend",)
    exact = ("grid", "ports")

    grid: Tensor
    ports: Tensor

    def __init__(
        self, layers: Sequence[Layer], ch: int, classes: int, z_dim: int, attention: int = ATTENTION, hf_compat: bool = False
    ) -> None:
        super().__init__()
        self.z_size, self.classes, self.noise_shape, self.hf_compat = z_dim, classes, (1,), hf_compat
        condition = 2 * z_dim
        self.embeddings = nn.Linear(classes, z_dim, bias=False)
        self.gen_z = nn.Linear(condition, 4 * 4 * layers[0][1] * ch)
        blocks: list[nn.Module] = [Block(wide * ch, out * ch, up, condition) for up, wide, out in layers]
        blocks.insert(attention, Attention(layers[attention][1] * ch))
        self.layers = nn.ModuleList(blocks)
        side, channels, bends = 4, layers[0][1] * ch, {}
        for index, block in enumerate(blocks):
            if isinstance(block, Block):
                side, channels = side * (1 + block.up), block.out
            bends[side] = index, channels  # the last of its size
        self.resolution = (side, side)
        self.bends = nn.ModuleDict({str(index): Bend(n, size) for size, (index, n) in bends.items() if size <= BENDABLE})
        self.extra_inputs = {"bend": (len(self.bends), 6)}
        self.bn = LastNorm(layers[-1][2] * ch)
        self.to_rgb = nn.Conv2d(layers[-1][2] * ch, 3, 3, padding=1)
        self.register_buffer("grid", torch.arange(STATISTICS, dtype=torch.float32), persistent=False)
        # In Python 0.58 / 0.02 is 28.999..., and so the port reads set 28 there.
        found = [math.floor(index / 50 / (1 / 50)) for index in range(STATISTICS)]
        self.register_buffer("ports", F.one_hot(torch.tensor(found), STATISTICS).float(), persistent=False)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        resolution, ch = int(config["resolution"]), int(config["ch"])
        given = config.get("layers", LAYERS.get(resolution))
        if given is None:
            raise ValueError(f"expected a resolution of {', '.join(map(str, LAYERS))}, or layers; got {resolution}")
        layers = [(bool(up), int(wide), int(out)) for up, wide, out in given]
        attention = int(config.get("attention", ATTENTION))
        joined = all(one[2] == other[1] for one, other in pairwise(layers))
        if not joined or any(out > wide for _, wide, out in layers) or not 0 <= attention < len(layers):
            raise ValueError(f"expected layers that follow from each other, attention among them; got {layers}, {attention}")
        model = cls(layers, ch, int(config["num_classes"]), int(config["z_dim"]), attention, bool(config["hf_compat"]))
        if model.resolution[0] != resolution:
            raise ValueError(f"expected layers that end at {resolution} pixels; got {layers}, which end at {model.resolution[0]}")
        return model

    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        """z (B,128) ~ N(0,1), y (B,1000) summing to 1, truncation (B,1) 0..1, live bend (B,K,6): (B,3,H,W) in -1..1."""
        dtype = self.gen_z.weight.dtype
        shares = self.shares(truncation.float())  # (B, 51)
        cut = z.float().clamp(-2, 2) * truncation.float()  # (B, Z)
        condition = torch.cat([cut.to(dtype), self.embeddings(y.to(dtype))], 1)  # (B, 2Z)
        x = self.gen_z(condition).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)  # (B, 16 ch, 4, 4)
        level = 0
        for index, layer in enumerate(self.layers):
            x = layer(x) if isinstance(layer, Attention) else layer(x, condition, shares)
            if "bend" in extra_inputs and str(index) in self.bends:
                x = self.bends[str(index)](x, extra_inputs["bend"][:, level])
                level += 1
        return torch.tanh(self.to_rgb(self.bn(x, shares)))

    def shares(self, truncation: Tensor) -> Tensor:
        """How much each set of statistics counts (B,51) at a truncation (B,1): linear interpolation, or the port's."""
        place = truncation.clamp(0, 1) * (STATISTICS - 1)  # (B, 1)
        grid = self.grid.float()
        away = (place - grid).abs()  # (B, 51)
        if not self.hf_compat:
            return F.relu(1 - away)
        nearest = place.round()
        swapped = torch.where(away < 1, away, torch.zeros_like(away))
        exact = F.relu(1 - (nearest - grid).abs()) @ self.ports.float()
        return torch.where((place - nearest).abs() < 1e-4, exact, swapped)


_NORM = {"running_means": "means", "running_vars": "variances"}
_CONV = {f"snconv1x1_{name}": name for name in ("theta", "phi", "g")} | {"snconv1x1_o_conv": "o", "conv_to_rgb": "to_rgb"}
_CONV |= {f"bn_{number}": f"norm_{number}" for number in range(4)}


def fold(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Divide every NAME.weight_orig by its spectral norm u'Wv, as evaluation does: NAME.weight, without its u and v.

    Raises ValueError where u or v is missing, or the norm is no usable number.
    """
    folded = {}
    for key, tensor in tensors.items():
        name, _, kind = key.rpartition(".")
        if kind in {"weight_u", "weight_v"} and f"{name}.weight_orig" in tensors:
            continue
        if kind != "weight_orig":
            folded[key] = tensor
            continue
        u, v = tensors.get(f"{name}.weight_u"), tensors.get(f"{name}.weight_v")
        matrix = tensor.flatten(1)  # (out, in)
        if u is None or v is None or (u.shape, v.shape) != (matrix.shape[:1], matrix.shape[1:]):
            raise ValueError(
                f"expected {name}.weight_u and weight_v to match {tuple(tensor.shape)}; got {_shape(u)}, {_shape(v)}"
            )
        norm = torch.dot(u.float(), matrix.float() @ v.float())
        if not tensor.is_meta and not 0 < abs(float(norm)) < math.inf:
            raise ValueError(f"expected a spectral norm of {name} other than 0; got {float(norm)}")
        folded[f"{name}.weight"] = tensor.float() / norm
    return folded


def from_hugging_face(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a checkpoint of the Hugging Face port (pytorch-pretrained-biggan), named and shaped as here.

    Folds the spectral norms and trims the last convolution to red, green and blue. Means and variances should be stored in
    float32. Names and shapes that fit no BigGAN-deep are for `load_state_dict` to refuse. Raises ValueError as `fold` does.
    """
    named = {}
    for key, tensor in fold(tensors).items():
        parts = key.removeprefix("generator.").split(".")
        parts = [_NORM.get(part, _CONV.get(part, part)) for part in parts]
        named[".".join(parts)] = tensor[:3] if parts[0] == "to_rgb" else tensor
    return named


def config_from_hugging_face(config: Mapping[str, Any]) -> dict[str, Any]:
    """[config] of a card from the port's config.json. Raises KeyError, ValueError where it describes no BigGAN-deep."""
    if (int(config["n_stats"]), float(config["eps"])) != (STATISTICS, EPSILON) or config["class_embed_dim"] != config["z_dim"]:
        found = {key: config[key] for key in ("n_stats", "eps", "class_embed_dim", "z_dim")}
        raise ValueError(f"expected n_stats {STATISTICS}, eps {EPSILON} and class_embed_dim as z_dim; got {found}")
    return {
        "resolution": int(config["output_dim"]),
        "ch": int(config["channel_width"]),
        "num_classes": int(config["num_classes"]),
        "z_dim": int(config["z_dim"]),
        "hf_compat": False,
        "layers": [[bool(up), int(wide), int(out)] for up, wide, out in config["layers"]],
        "attention": int(config["attention_layer_position"]),
    }


def _shape(tensor: Tensor | None) -> tuple[int, ...] | None:
    return None if tensor is None else tuple(tensor.shape)
