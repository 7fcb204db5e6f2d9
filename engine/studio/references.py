"""The networks our architectures are written after, with a model's own weights: to compare pictures and speed.

NVIDIA's come from a checkout of github.com/NVlabs/stylegan2-ada-pytorch or stylegan3, Hugging Face's BigGAN-deep from the
package pytorch-pretrained-biggan. Their source is executed; nothing of it is kept here.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from packaging import version
from torch import Tensor
from torch.nn import functional as F

from engine.generators.biggan_deep import ATTENTION, LAYERS, from_hugging_face
from engine.runtime.card import ModelCard
from engine.runtime.network import load_network
from engine.types import ByteArray, LatentState

Drawing = Callable[[Tensor, Tensor, float], Tensor]  # z (1,Z), y (1,C), truncation: the picture (1,3,H,W)
MODULES = {
    "stylegan2": "training.networks",
    "stylegan3": "training.networks_stylegan3",
    "biggan_deep": "pytorch_pretrained_biggan",
}


class Reference:
    """Draws what `card` describes with the network it was written after. Its `step` is that of a Generator.

    `checkout` is its repository; None where it is an installed package. Raises LookupError where there is none for the card.
    """

    def __init__(self, card: ModelCard, threads: int, checkout: Path | None) -> None:
        torch.set_num_threads(threads)
        self._ours = load_network(card)
        if card.architecture not in MODULES:
            raise LookupError(f"expected one of {', '.join(MODULES)} to find a reference for; got {card.architecture!r}")
        if checkout is not None:
            sys.path.insert(0, str(checkout))
            packages = ModuleType("pkg_resources")  # they want one function of it, and it is no longer installed with Python
            packages.parse_version = version.parse  # type: ignore[attr-defined]
            sys.modules.setdefault("pkg_resources", packages)
        maker = _biggan_deep if card.architecture == "biggan_deep" else _stylegan
        with torch.no_grad():
            self._draw = maker(importlib.import_module(MODULES[card.architecture]), card.config, self._ours.state_dict())

    def step(self, state: LatentState, out: ByteArray) -> None:
        picture = self._picture(state)
        level = (picture * 127.5 + 127.5).round().clamp(0.0, 255.0).to(torch.uint8)  # (1, 3, H, W)
        out[..., :3] = level[0].permute(1, 2, 0).numpy()
        out[..., 3] = 255

    def parity(self, state: LatentState) -> float:
        """The largest difference between the reference's picture and ours in torch, as a share of its largest value."""
        expected = self._picture(state)
        z, y = torch.from_numpy(state.z)[None], torch.from_numpy(state.y)[None]
        with torch.inference_mode():
            found = self._ours(z, y, torch.full((1, 1), state.truncation), torch.zeros(1, *self._ours.noise_shape))
        return float((found - expected).abs().max() / expected.abs().max())

    def _picture(self, state: LatentState) -> Tensor:
        with torch.inference_mode():
            return self._draw(torch.from_numpy(state.z)[None], torch.from_numpy(state.y)[None], state.truncation)


def _stylegan(source: Any, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Drawing:
    sizes = (config["z_dim"], config["c_dim"], config["w_dim"], config["resolution"], 3)
    synthesis: dict[str, Any] = {key: config[key] for key in ("channel_base", "channel_max", "conv_clamp")}
    if "kind" not in config:  # StyleGAN2
        synthesis = {"synthesis_kwargs": synthesis}
    elif config["kind"] == "r":
        synthesis |= {"conv_kernel": 1, "use_radial_filters": True}
    network = source.Generator(*sizes, mapping_kwargs={"num_layers": config["mapping_layers"]}, **synthesis)
    network.load_state_dict({**network.state_dict(), **weights})  # its keys are ours; it has filters beside them
    network.eval().requires_grad_(False)

    def draw(z: Tensor, y: Tensor, truncation: float) -> Tensor:
        picture: Tensor = network(z, y, truncation_psi=truncation, noise_mode="const", force_fp32=True)
        return picture

    return draw


def _biggan_deep(source: Any, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Drawing:
    described = source.BigGANConfig(
        output_dim=config["resolution"],
        z_dim=config["z_dim"],
        class_embed_dim=config["z_dim"],
        channel_width=config["ch"],
        num_classes=config["num_classes"],
        layers=config.get("layers", LAYERS.get(config["resolution"])),
        attention_layer_position=config.get("attention", ATTENTION),
    )
    network = source.BigGAN(described).eval().requires_grad_(False)
    tensors = network.state_dict()
    for key, tensor in tensors.items():
        name, _, kind = key.rpartition(".")
        if kind in {"weight_u", "weight_v"}:
            continue
        (ours,) = from_hugging_face({f"{name}.weight" if kind == "weight_orig" else key: tensor})
        given = weights[ours]
        tensor.copy_(F.pad(given, [0, 0] * (given.ndim - 1) + [0, len(tensor) - len(given)]))
        if kind == "weight_orig":  # with a u and v that make the norm 1: ours were divided by theirs
            row = tensor.flatten(1)[0]
            tensors[f"{name}.weight_u"].copy_(F.one_hot(torch.tensor(0), len(tensor)))
            tensors[f"{name}.weight_v"].copy_(row / row.square().sum())

    def draw(z: Tensor, y: Tensor, truncation: float) -> Tensor:
        picture: Tensor = network(z.clamp(-2, 2) * truncation, y, truncation)
        return picture

    return draw
