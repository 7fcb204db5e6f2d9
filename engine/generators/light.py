"""Light: a memory of encoded pictures that the latent points into, moves through and mixes, and a small decoder.

Each picture of the memory is a code of 8x8-pixel cells, wider and taller than the frame. The latent chooses pictures (by
their place in a small key space), pans, zooms, rolls and bends the window through which each is seen, and lets the chosen
ones compete cell by cell; the decoder draws the winning cells. Motion therefore moves the picture instead of dissolving it.
Retrieval by keys follows memory networks (Weston et al., 2015); the decoder is a sub-pixel network (Shi et al., 2016) on
top of the upsampled cell means.
"""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.network import NOTHING, Network
from engine.core.registry import register

KEY, MOVE, BEND, TONE = 3, 8, 12, 6  # latent layout: where, what differs downwards (3 each), twice pan tilt zoom roll, bend, tone
WAVES = ((1.0, 0.2, 0.3), (0.6, 0.8, 1.9), (-0.7, 0.7, 3.1))  # KEY of them: direction and phase
BASE = 3  # the first channels of a code are the cell's mean colour, -1..1


class Residual(nn.Module):
    """x + conv(relu(conv(relu(x)))): without normalisation, so a frame looks the same whatever surrounds it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1)
        self.two = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.two(F.relu(self.one(F.relu(x))))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Codes (B,C,h,w) to pictures (B,3,8h,8w): the bilinear cell means plus a drawn residual."""

    exact = ("blur",)

    blur: Tensor

    def __init__(self, code: int, widths: tuple[int, int, int], blocks: tuple[int, int, int]) -> None:
        super().__init__()
        a, b, c = widths
        tap = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("blur", tap.outer(tap).repeat(3, 1, 1, 1), persistent=False)
        self.net = nn.Sequential(
            nn.Conv2d(code, a, 3, padding=1),
            *(Residual(a) for _ in range(blocks[0])),
            nn.Conv2d(a, 4 * b, 1),
            nn.PixelShuffle(2),
            *(Residual(b) for _ in range(blocks[1])),
            nn.Conv2d(b, 4 * c, 1),
            nn.PixelShuffle(2),
            *(Residual(c) for _ in range(blocks[2])),
            nn.ReLU(),
            nn.Conv2d(c, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, code: Tensor) -> Tensor:
        mean = F.interpolate(code[:, :BASE], scale_factor=8.0, mode="bilinear", align_corners=False)
        drawn = self.net(code.to(next(self.net.parameters()).dtype)).to(self.blur.dtype)
        return mean + F.conv2d(drawn, self.blur, padding=1, groups=3)  # no mesh of alternate pixels can pass


@register("architecture", "light")
class Light(Network):
    """The generator. Every random draw is an input; the same inputs give the same frame.

    config: classes (count), slots (pictures a class), code [C, rows, columns], cells (window side), picks (pictures a frame),
    widths and blocks of the decoder, reach (how far behind the likeliest a picture may lie and still be seen), tone (how far
    colours sway), vivid (how much colour and contrast to add). One number a class: sharp (how narrowly the latent chooses),
    contest (how hard the edges between pictures are), glow (how far bright cells go before; below 0, dark ones), lean and
    spread (how far the choice varies downwards, and in waves over the frame), and motion: pan, tilt and bend in cells, zoom as
    a natural logarithm, roll in radians.
    """

    # A place in a picture needs more bits than half has: only the decoder may be half.
    exact = ("keys", "scale", "motion", "sharp", "contest", "lean", "spread", "glow", "window", "bends", "waves", "soften")

    keys: Tensor
    memory: Tensor
    scale: Tensor
    motion: Tensor
    sharp: Tensor
    contest: Tensor
    lean: Tensor
    spread: Tensor
    glow: Tensor
    window: Tensor
    bends: Tensor
    waves: Tensor
    soften: Tensor

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.classes, self.slots, self.picks = int(config["classes"]), int(config["slots"]), int(config["picks"])
        channels, self.tall, self.wide = (int(n) for n in config["code"])
        self.cells = int(config["cells"])
        self.reach, self.tone, self.vivid = float(config["reach"]), float(config["tone"]), float(config["vivid"])
        self.z_size = 2 * KEY + MOVE + BEND + TONE
        self.noise_shape = (3, 8, 8)
        self.resolution = (8 * self.cells, 8 * self.cells)
        self.extra_inputs = {}
        a, b, c = (int(n) for n in config["widths"])
        d, e, f = (int(n) for n in config["blocks"])
        self.decoder = Decoder(channels, (a, b, c), (d, e, f))
        count = self.classes * self.slots
        self.register_buffer("memory", torch.zeros(count, channels, self.tall, self.wide, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("keys", torch.zeros(count, KEY))
        motion = torch.tensor([config["motion"][kind] for kind in ("pan", "tilt", "zoom", "roll", "bend")])
        self.register_buffer("motion", motion.T.repeat_interleave(self.slots, 0), persistent=False)  # (N, 5)
        for name in ("sharp", "contest", "lean", "spread", "glow"):
            values = torch.tensor(config[name], dtype=torch.float32).repeat_interleave(self.slots)
            self.register_buffer(name, values, persistent=False)  # (N,)
        axis = (torch.arange(self.cells) + 0.5) * 2 / self.cells - 1
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("window", torch.stack([u, v]), persistent=False)  # (2, S, S), -1..1
        self.register_buffer("bends", _bends(u, v), persistent=False)
        self.register_buffer("waves", torch.stack([torch.cos(2.3 * (u * c + v * s) + p) for c, s, p in WAVES]), persistent=False)
        peaks = torch.linspace(-1, 1, 8)
        soften = torch.softmax(-((axis[:, None] - peaks[None]) ** 2) * 40, 1)  # (S, 8): smooth upsampling as a product
        self.register_buffer("soften", soften, persistent=False)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(config)

    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        """z (B,32) ~ N(0,1), y (B,classes) summing to 1, truncation (B,1) 0..1, noise (B,3,8,8) ~ N(0,1): (B,3,H,W) in -1..1."""
        where, down, move, bend, tone = torch.split(z * truncation, [KEY, KEY, MOVE, BEND, TONE], 1)
        like = self.likelihood(where, y)
        best, pick = like.topk(self.picks + 1, 1)
        reach = (best[:, :1] - best[:, -1:]).clamp(1e-3, self.reach)
        gate = F.relu(1 - (best[:, :1] - best[:, :-1]) / reach) ** 2  # (B, k): a picture comes and goes at weight zero
        pick = pick[:, :-1]
        field = torch.einsum("sa,bcat,rt->bcsr", self.soften, noise, self.soften)  # (B, 3, S, S)
        seen = self.look(pick, move, bend, field[:, :2])  # (B, k, C, S, S)
        light = seen[:, :, :BASE].mean(2)  # (B, k, S, S)
        lead = (
            best[:, :-1, None, None]
            + self.terrain(pick, down)
            + self.glow[pick][..., None, None] * light * (1 + 0.25 * field[:, 2:])
        )
        rivalry = 1 + 2.5 * (1 - (y * y).sum(1, keepdim=True))  # many classes at once would average to grey: harder edges
        score = (y @ self.contest[:: self.slots][:, None] * rivalry)[..., None, None] * lead
        share = gate[..., None, None] * torch.exp(score - score.amax(1, keepdim=True))
        share = share / (share.sum(1, keepdim=True) + 1e-6)
        mix = (share[:, :, None] * seen).sum(1)  # (B, C, S, S)
        even = (share * share).sum(1, keepdim=True)  # 1 where one picture wins, 1/k where all tie
        detail = mix[:, BASE:] * even.clamp(min=0.1) ** -0.2  # averaging would flatten texture
        picture = self.decoder(torch.cat([mix[:, :BASE], detail], 1))  # (B, 3, H, W)
        grey = picture.mean(1, keepdim=True)
        picture = grey * (1 + 0.5 * self.vivid) + (picture - grey) * (1 + self.vivid)  # what mixing took from colour and contrast
        gain, lift = torch.split((torch.tanh(tone) * self.tone)[..., None, None], 3, 1)  # (B, 3, 1, 1) each
        graded: Tensor = (picture * (1 + gain) + 0.5 * lift * (1 - picture * picture)).clamp(-1, 1)  # black and white stay
        return graded

    def likelihood(self, where: Tensor, y: Tensor) -> Tensor:
        """Log weight of every picture (B,N): the class's share times the picture's within its class."""
        near = self.sharp * (where @ self.keys.T - 0.5 * (self.keys**2).sum(1))
        inside = F.log_softmax(near.view(-1, self.classes, self.slots), 2)
        like: Tensor = (inside + torch.log(y + 1e-4)[..., None]).flatten(1)
        return like

    def terrain(self, pick: Tensor, down: Tensor) -> Tensor:
        """How the picked pictures' log weights vary over the frame (B,k,S,S): sky from one, ground from another."""
        keys, lean, spread = self.keys[pick], self.lean[pick], self.spread[pick]  # (B, k, KEY), (B, k), (B, k)
        slope = (keys * down[:, None]).sum(2) * lean  # (B, k)
        ripple = torch.einsum("bkm,msr->bksr", keys * spread[..., None], self.waves)
        terrain: Tensor = self.sharp[pick][..., None, None] * (slope[..., None, None] * self.window[1] + ripple)
        return terrain

    def look(self, pick: Tensor, move: Tensor, bend: Tensor, drift: Tensor) -> Tensor:
        """The picked codes (B,k) through their moved and bent windows: (B,k,C,S,S)."""
        batch, k = pick.shape
        flat = pick.flatten()
        codes = self.memory.index_select(0, flat).float() * self.scale[:, None, None]  # (B*k, C, rows, columns)
        amount = self.motion.index_select(0, flat).view(batch, k, 5)
        sway = 0.6 * torch.sin(1.6 * move[:, :4]) + 0.4 * torch.sin(2.3 * move[:, 4:])  # (B, 4), within -1..1
        pan, tilt, zoom, roll = (sway[:, None] * amount[..., :4]).unbind(2)  # (B, k) each
        size = torch.exp(zoom - amount[..., 2])  # never wider than the frame: 1 down to exp(-2 zoom)
        cos, sin = (size * torch.cos(roll))[..., None, None], (size * torch.sin(roll))[..., None, None]
        u, v = self.window[0], self.window[1]
        half = self.cells / 2
        flow = torch.einsum("bm,mcst->bcst", bend, self.bends) + 0.12 * drift  # (B, 2, S, S), cells
        flow = flow[:, None] * amount[..., 4, None, None, None]  # (B, k, 2, S, S)
        x = (cos * u - sin * v) * half + pan[..., None, None] + flow[:, :, 0]
        y = (sin * u + cos * v) * half + tilt[..., None, None] + flow[:, :, 1]
        grid = torch.stack([x * (2 / self.wide), y * (2 / self.tall)], -1).flatten(0, 1)  # (B*k, S, S, 2)
        seen = F.grid_sample(codes, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        return seen.view(batch, k, -1, self.cells, self.cells)


def _bends(u: Tensor, v: Tensor) -> Tensor:
    """Divergence-free waves (BEND,2,S,S) of unit summed variance: the curl of sinusoids with one to two periods a frame."""
    waves = []
    for m in range(BEND):
        angle, pace = 2.399963 * m, 1.6 + 0.28 * (m % 8)  # golden angle: directions spread evenly
        ku, kv = pace * torch.cos(torch.tensor(angle)), pace * torch.sin(torch.tensor(angle))
        slope = torch.cos(ku * u + kv * v + 1.7 * m) * (2.0 / BEND) ** 0.5
        waves.append(torch.stack([slope * kv / pace, -slope * ku / pace]))
    return torch.stack(waves)
