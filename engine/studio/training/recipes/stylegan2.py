"""The recipe of StyleGAN2-ADA (Karras et al., 2020): non-saturating loss, gradient penalty now and then, averaged weights."""

import copy
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

from engine.core.network import Network
from engine.core.registry import register
from engine.generators.stylegan2 import Layer, StyleGAN2
from engine.runtime.card import GENERATOR, CardError, ModelCard
from engine.studio.dataset.dataset import Dataset
from engine.studio.training.augment import augment
from engine.studio.training.discriminator import Critic
from engine.studio.training.pictures import Cut
from engine.studio.training.recipe import Recipe, Setup, Table

_MOST = 1024  # pixels
_EMBED = "mapping.embed.weight"
_CROP = 0.8  # the least share of a picture's shorter side that a crop shows
_FAR = 1e3  # of the noise inputs: from there a layer's noise is its fresh maps alone, and not the checkpoint's
_MEAN_W = 0.998  # share of the mean of w that stays, a step
_RAMP = 0.05  # the average never looks back further than this share of the run so far


@register("recipe", "stylegan2")
class StyleGAN2Recipe(Recipe):
    """Generator, its averaged copy, critic and augmentation."""

    preset: ClassVar[str] = "stylegan2.toml"
    architecture: ClassVar[str] = "stylegan2"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        config, settings, device = setup.config, setup.settings, self.world.device
        self.side = int(config["resolution"])
        short = min(setup.dataset.width, setup.dataset.height)
        self.cut = Cut(max(self.side, round(_CROP * short)), short, self.side)
        self.classes = len(setup.classes)
        self.generator = StyleGAN2.from_config(config).to(device)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        maps = int(config["channel_base"]), int(config["channel_max"])
        self.critic = Critic(self.side, self.classes if config["c_dim"] else 1, *maps).to(device)
        self.augment = augment(settings["augment"]).to(device)
        rate = float(settings["rate"])
        self.draw = optim.Adam(self.generator.parameters(), rate, betas=(0.0, 0.99), eps=1e-8)
        self.judge = optim.Adam(self.critic.parameters(), rate, betas=(0.0, 0.99), eps=1e-8)
        self.gamma = float(settings["gamma"]) or 2e-4 * self.side**2 / setup.batch

    @classmethod
    def fitted(cls, config: Table, dataset: Dataset, classes: Sequence[str], before: Sequence[str]) -> Table:
        short = min(dataset.width, dataset.height)
        side = int(config.get("resolution", min(_MOST, 1 << (short.bit_length() - 1))))
        if side > short:
            raise ValueError(f"expected pictures of at least {side}x{side} for this model in {dataset.folder}; got {short}")
        return config | {"resolution": side, "c_dim": len(classes) if len(classes) > 1 else 0}

    @classmethod
    def named(cls, dataset: Dataset, origin: ModelCard | None) -> tuple[str, ...]:
        """The dataset's classes; a model that knows none goes on without."""
        return origin.classes if origin is not None and not origin.config.get("c_dim") else dataset.classes

    def parts(self) -> dict[str, nn.Module | optim.Optimizer]:
        return {name: getattr(self, name) for name in ("generator", "average", "critic", "augment", "draw", "judge")}

    def begin_from(self, origin: ModelCard) -> None:
        weights = {name: torch.from_numpy(tensor).float() for name, tensor in origin.load().items()}
        if _EMBED in weights:
            weights[_EMBED] = _embedded(weights[_EMBED], origin.classes, self.setup.classes)
        for network in (self.generator, self.average):
            try:
                network.load_state_dict(weights)
            except RuntimeError as error:
                raise CardError(f"expected weights of a StyleGAN2 as [config] has it in {origin.folder}; got {error}") from error

    def update(self, pictures: Tensor, labels: Tensor, step: int, progress: float) -> dict[str, Tensor]:
        y = F.one_hot(labels if self.setup.config["c_dim"] else labels * 0, self.classes).float()  # (B, C)
        said = self._judged(pictures, y, step)
        drawn = self._drawn(y)
        self.critic.requires_grad_(False)
        with self.world.autocast():
            fooled = self.critic(self.augment(drawn), y)
        loss = F.softplus(-fooled).mean()
        self.draw.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.critic.requires_grad_(True)
        self.world.average(self.generator.parameters())
        self.draw.step()
        self._follow(step)
        return said | {"generator": loss.detach()}

    def _judged(self, real: Tensor, y: Tensor, step: int) -> dict[str, Tensor]:
        """The critic's step."""
        with torch.no_grad():
            drawn = self._drawn(y)
        shown = self.augment(real)
        with self.world.autocast():
            fake, true = self.critic(self.augment(drawn), y), self.critic(shown, y)
        loss = F.softplus(fake).mean() + F.softplus(-true).mean()
        self.judge.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        said = {"critic": loss.detach(), "real": true.detach().mean(), "drawn": fake.detach().mean()}
        every = int(self.setup.settings["penalty_every"])
        if step % every == 0:  # in float32, and on what the critic sees
            seen = shown.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.critic(seen, y).sum(), seen, create_graph=True)
            penalty = slope.square().sum((1, 2, 3)).mean()
            (penalty * (self.gamma / 2 * every)).backward()
            said["penalty"] = penalty.detach()
        self.world.average(self.critic.parameters())
        self.judge.step()
        self.augment.heard(true.detach(), self.setup.batch, step, self.world)
        if "p" in (kept := dict(self.augment.named_buffers())):
            said["augment"] = kept["p"].clone()
        return said

    def _drawn(self, y: Tensor) -> Tensor:
        """Pictures (B,3,S,S) of classes y (B,C), from latents of their own and noise that was never seen before."""
        batch, network, device = len(y), self.generator, y.device
        z, other = torch.randn(2, batch, network.z_size, device=device)
        mixed = torch.rand(batch, 1, device=device) < float(self.setup.settings["mixing"])
        from_group = torch.randint(1, 3, (batch, 1), device=device)  # middle and fine, or fine, have the other's style
        share = (mixed & (torch.arange(3, device=device) >= from_group)).float()
        extra_inputs = {"styles": torch.cat([other, share], 1)}
        w = network.mapping(z, y, torch.ones(batch, 1, device=device), extra_inputs)  # (B, L, W), float32
        for module in network.modules():
            if isinstance(module, Layer):
                module.grain.noise.normal_()
        noise = _FAR * torch.randn(batch, *network.noise_shape, device=device)
        with self.world.autocast():
            picture: Tensor = network.synthesis(w, noise, torch.ones_like(noise[..., 0]), None)
        return picture.float()

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """The averaged weights follow, and the mean of w that truncation goes towards."""
        batch = self.setup.batch
        z = torch.randn(batch // self.world.size, self.generator.z_size, device=self.world.device)
        y = F.one_hot(torch.randint(0, self.classes, (len(z),), device=z.device), self.classes).float()
        mean = self.world.mean(self.generator.mapping.style(z, y).mean(0))
        self.generator.mapping.w_avg.lerp_(mean, 1 - _MEAN_W)
        span = min(1e3 * float(self.setup.settings["average"]), _RAMP * batch * (step + 1))
        keep = 0.5 ** (batch / span)
        for slow, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            slow.lerp_(now, 1 - keep)
        self.average.mapping.w_avg.copy_(self.generator.mapping.w_avg)

    def files(self) -> dict[str, dict[str, Tensor]]:
        return {GENERATOR: {name: tensor.half().contiguous() for name, tensor in self.average.state_dict().items()}}

    def model(self) -> Network:
        return self.average


def _embedded(weight: Tensor, before: Sequence[str], now: Sequence[str]) -> Tensor:
    """The embedding (W,C) for other classes: those of the same name keep theirs, new ones begin in the middle of all."""
    scale = (len(now) / len(before)) ** 0.5  # Dense divides by the root of the number of classes
    known = {name: weight[:, i] for i, name in enumerate(before)}
    made: Tensor = torch.stack([known.get(name, weight.mean(1)) for name in now], 1) * scale
    return made
