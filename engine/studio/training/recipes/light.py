"""The recipe of Light: an encoder and a decoder that draws what the running model will show it.

That is codes of the memory's pictures seen through shifted, zoomed, rolled and bent windows (the target is the picture under
the same bend), and codes of two pictures that compete for cells. Losses: L1, distance of early VGG features (Johnson et al.,
2016), and for the last part of the run a patch discriminator with hinge loss (Isola et al., 2017).
"""

import copy
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn, optim
from torch.nn import functional as F

from engine.core.network import Network
from engine.core.registry import register
from engine.generators.light import BASE, Decoder, Light
from engine.runtime.card import GENERATOR, CardError, ModelCard
from engine.studio import picture_distance
from engine.studio.dataset.dataset import Dataset
from engine.studio.training import memory, perceptual
from engine.studio.training.crop_warps import checker, contest, windows
from engine.studio.training.encoder import Encoder, PatchCritic
from engine.studio.training.pictures import Cut
from engine.studio.training.recipe import Recipe, Setup, Table

ENCODER = "encoder.safetensors"
_CROP = 160  # pixels encoded in training, where the pictures are that large
_SHOWN = 0.8  # share of the crop's cells that a window shows
_PART = 0.625  # share of the window's side that VGG and the critic look at: they cost most of a step
_WARM = 100  # steps until the learning rate is whole
_BY_CLASS = ("sharp", "contest", "glow", "lean", "spread")


@register("recipe", "light")
class LightRecipe(Recipe):
    """Encoder, decoder, its averaged copy, critic."""

    preset: ClassVar[str] = "light-256.toml"
    architecture: ClassVar[str] = "light"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        config, device = setup.config, self.world.device
        code, widths, blocks = config["code"][0], tuple(config["widths"]), tuple(config["blocks"])
        side = min(_CROP, *(n // 8 * 8 for n in (setup.dataset.width, setup.dataset.height)))
        self.cut = Cut(side, side, side)
        self.cells, self.window = side // 8, max(2, int(_SHOWN * side / 8))
        self.part = round(_PART * 8 * self.window)
        self.encoder, self.decoder = Encoder(code), Decoder(code, widths, blocks)
        nn.init.zeros_(cast(Tensor, self.decoder.net[-2].weight))
        nn.init.zeros_(cast(Tensor, self.decoder.net[-2].bias))
        self.average, self.critic = copy.deepcopy(self.decoder).requires_grad_(False), PatchCritic()
        vgg = setup.vgg or perceptual.installed()
        self.perceptual = perceptual.Perceptual(vgg) if vgg else perceptual.Bands()
        for net in (self.encoder, self.decoder, self.average, self.critic, self.perceptual):
            net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.rate = float(setup.settings["rate"])
        self.draw = optim.Adam([*self.encoder.parameters(), *self.decoder.parameters()], self.rate, betas=(0.9, 0.98))
        self.judge = optim.Adam(self.critic.parameters(), 2e-4, betas=(0.5, 0.98))
        self._keys: Tensor | None = None

    @classmethod
    def fitted(cls, config: Table, dataset: Dataset, classes: Sequence[str], before: Sequence[str]) -> Table:
        rows, columns, cells = dataset.height // 8, dataset.width // 8, int(config["cells"])
        if min(rows, columns) < cells:
            found = f"{dataset.width}x{dataset.height}"
            raise ValueError(f"expected pictures of at least {8 * cells}x{8 * cells} in {dataset.folder}; got {found}")
        labels = dataset.labels(dataset.indices("train"))
        counts = [int((labels == number).sum()) for number in range(len(classes))]
        if not all(counts):
            bare = classes[counts.index(0)]
            raise ValueError(f"expected training pictures of every class in {dataset.folder}; got none of {bare!r}")
        slots = min(int(config["slots"]), 2 * max(counts))  # each picture, and each mirrored
        fitted = {key: value for key, value in config.items() if key != "channels"}
        fitted |= {key: _by_class(key, config[key], classes, before) for key in _BY_CLASS}
        return fitted | {
            "classes": len(classes),
            "slots": slots,
            "code": [int(config["channels"] if "channels" in config else config["code"][0]), rows, columns],
            "picks": min(int(config["picks"]), len(classes) * slots - 1),
            "motion": {key: _by_class(f"motion.{key}", value, classes, before) for key, value in config["motion"].items()},
        }

    @cached_property
    def slots(self) -> list[tuple[int, bool]]:
        """Which pictures the model remembers: looked for when it is first written, since that takes its time."""
        file = self.setup.features or picture_distance.installed()
        return memory.slots(self.setup.dataset, int(self.setup.config["slots"]), picture_distance.Scene(file) if file else None)

    def parts(self) -> dict[str, nn.Module | optim.Optimizer]:
        return {name: getattr(self, name) for name in ("encoder", "decoder", "average", "critic", "draw", "judge")}

    def begin_from(self, origin: ModelCard) -> None:
        if ENCODER not in {item.file for item in origin.weights}:
            raise CardError(f"expected {ENCODER} beside the weights in {origin.folder}, without which a decoder cannot go on")
        drawn = {k.removeprefix("decoder."): torch.from_numpy(v).float() for k, v in origin.load().items() if "decoder." in k}
        try:
            self.decoder.load_state_dict(drawn)
            self.average.load_state_dict(drawn)
            self.encoder.load_state_dict({k: v.float() for k, v in load_file(origin.folder / ENCODER).items()})
        except RuntimeError as error:
            raise CardError(f"expected a decoder and an encoder as [config] has them in {origin.folder}; got {error}") from error

    def update(self, pictures: Tensor, labels: Tensor, step: int, progress: float) -> dict[str, Tensor]:
        warm = min(1.0, (step + 1) / _WARM)
        for group in self.draw.param_groups:
            group["lr"] = self.rate * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))
        adversarial = float(self.setup.settings["adversarial"]) if progress >= float(self.setup.settings["critic_from"]) else 0.0
        batch = len(pictures)
        grid, fine = windows(batch, self.cells, self.window, pictures.device)
        true = F.grid_sample(pictures, fine, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(-1, 1)
        corner = torch.randint(0, 8 * self.window - self.part + 1, (2,)).tolist()  # odd and even: pooling would favour a mesh
        with self.world.autocast():
            code = self.encoder(pictures.contiguous(memory_format=torch.channels_last)).float()  # (B, C, n, n)
            learned = (torch.arange(code.shape[1], device=code.device) >= BASE).view(1, -1, 1, 1)
            code = code + 0.04 * torch.randn_like(code) * learned
            seen = F.grid_sample(code, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
            mixed = seen[: batch // 3] if adversarial else seen[:0]
            both = torch.cat([seen, contest(mixed)]) if len(mixed) else seen
            drawn = self.decoder(both.contiguous(memory_format=torch.channels_last)).float()
            pixel = (drawn[:batch] - true).abs().mean()
            mesh = _mesh(drawn, true)
            far = (F.avg_pool2d(drawn, 8) - both[:, :BASE]).abs().mean()
            part, goal = self._part(drawn, corner), self._part(true, corner)
            feature = self.perceptual(part[:batch], goal).float()
            loss = pixel + 0.12 * feature + 0.3 * far + 1.5 * mesh
            said = {"pixel": pixel, "feature": feature, "far": far, "mesh": mesh}
            if adversarial:
                self.critic.requires_grad_(False)
                fooled, got = self.critic(part)
                with torch.no_grad():
                    _, wanted = self.critic(goal)
                match = torch.stack([(g[:batch] - w).abs().mean() for g, w in zip(got, wanted, strict=True)]).sum()
                loss = loss - adversarial * fooled.float().mean() + 0.1 * match
                said["fooled"] = fooled.float().mean()
        self.draw.zero_grad(set_to_none=True)
        loss.backward()
        weights = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.world.average(weights)
        nn.utils.clip_grad_norm_(weights, 1.0)
        self.draw.step()
        if adversarial:
            said["critic"] = self._judged(part.detach(), goal)
        keep = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for slow, now in zip(self.average.parameters(), self.decoder.parameters(), strict=True):
                slow.lerp_(now, 1 - keep)
        return {name: value.detach() for name, value in said.items()}

    def _part(self, pictures: Tensor, corner: list[int]) -> Tensor:
        down, right = corner
        part = pictures[..., down : down + self.part, right : right + self.part]
        return part.contiguous(memory_format=torch.channels_last)

    def _judged(self, drawn: Tensor, true: Tensor) -> Tensor:
        """The critic's step."""
        self.critic.requires_grad_(True)
        with self.world.autocast():
            bad, good = self.critic(drawn)[0].float(), self.critic(true)[0].float()
        hinge = F.relu(1 - good).mean() + F.relu(1 + bad).mean()
        self.judge.zero_grad(set_to_none=True)
        hinge.backward()  # type: ignore[no-untyped-call]
        self.world.average(self.critic.parameters())
        self.judge.step()
        return hinge

    @torch.no_grad()
    def files(self) -> dict[str, dict[str, Tensor]]:
        state = {f"decoder.{name}": tensor.half().contiguous() for name, tensor in self.average.state_dict().items()}
        device = self.world.device
        state |= memory.remembered(self.setup.dataset, self.slots, lambda picture: self.encoder(picture.to(device)))
        if self._keys is None:  # they follow from the pictures alone
            self._keys = memory.keys(self.setup.dataset, self.slots, int(self.setup.config["slots"]))
        encoder = {name: tensor.half().contiguous() for name, tensor in self.encoder.state_dict().items()}
        return {GENERATOR: state | {"keys": self._keys}, ENCODER: encoder}

    def model(self) -> Network:
        light = Light(self.setup.config)
        light.load_state_dict(self.files()[GENERATOR])
        return light.to(self.world.device).eval().requires_grad_(False)

    def extras(self) -> dict[str, list[Table]]:
        """memory.json: whose pictures the model remembers, a row a slot."""
        return {"memory.json": [self.setup.dataset.pictures[i].row() | {"mirrored": mirrored} for i, mirrored in self.slots]}


def _mesh(drawn: Tensor, true: Tensor) -> Tensor:
    """How far the finest bands are from the true ones; where there is no true picture, how much more there is of them.

    And how far each place of a cell, over all cells, is from the true ones: lines that stand at every fourth or eighth pixel.
    """
    batch = len(true)
    mesh = true.new_zeros(())
    for n in (1, 2):
        got, goal = checker(F.avg_pool2d(drawn, n)), checker(F.avg_pool2d(true, n))
        mesh = mesh + (got[:batch] - goal).abs().mean()
        if len(drawn) > batch:
            mesh = mesh + F.relu(got[batch:].abs().mean() - goal.abs().mean())
    rows, columns = true.shape[2] // 8, true.shape[3] // 8
    places = (drawn[:batch] - true).reshape(batch, -1, rows, 8, columns, 8).mean((2, 4))  # (B, 3, 8, 8)
    lattice: Tensor = (places - places.mean((2, 3), keepdim=True)).abs().mean()
    return mesh + 2 * lattice


def _by_class(key: str, value: Any, classes: Sequence[str], before: Sequence[str]) -> list[float]:
    """One number a class, from one for all, or from those of the classes `before`: by name, and their mean for new ones."""
    if not isinstance(value, list):
        return [float(value)] * len(classes)
    if len(value) != len(before or classes):
        raise ValueError(f"expected one number, or one for each of {len(before or classes)} classes, as {key}; got {value!r}")
    known = dict(zip(before or classes, value, strict=True))
    return [float(known.get(name, sum(value) / len(value))) for name in classes]
