"""The networks our architectures are written after, with a model's own weights: to compare pictures and speed.

NVIDIA's come from a checkout of github.com/NVlabs/stylegan2-ada-pytorch or stylegan3, Hugging Face's BigGAN-deep from the
package pytorch-pretrained-biggan. Their source is executed; nothing of it is kept here.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from packaging import version
from torch import Tensor
from torch.nn import functional as F

from engine.core.types import ByteArray, LatentState
from engine.generators.biggan_deep import ATTENTION, LAYERS, from_hugging_face
from engine.runtime.card import ModelCard
from engine.runtime.picture_network import load_network

Drawing = Callable[[Tensor, Tensor, float], Tensor]  # z (1,Z), y (1,C), truncation: the picture (1,3,H,W)
HALF_RESOLUTIONS = 4  # as NVIDIA trained and published them
CUDA_PLACE = "/usr/local/cuda"  # of the toolkit, unless CUDA_HOME names another
MODULES = {
    "stylegan2": "training.networks",
    "stylegan3": "training.networks_stylegan3",
    "biggan_deep": "pytorch_pretrained_biggan",
}


class Reference:
    """Draws what `card` describes with the network it was written after. Its `step` is that of a Generator.

    `checkout` is its repository; None where it is an installed package. On a processor it computes in float32, on the `device`
    cuda as it was published: NVIDIA's with their four largest resolutions in half. Raises LookupError where there is none for
    the card.
    """

    def __init__(self, card: ModelCard, threads: int, checkout: Path | None, device: str = "cpu") -> None:
        torch.set_num_threads(threads)
        self._device = torch.device(device)
        self._ours = load_network(card).to(self._device)
        if card.architecture not in MODULES:
            raise LookupError(f"expected one of {', '.join(MODULES)} to find a reference for; got {card.architecture!r}")
        if checkout is not None:
            sys.path.insert(0, str(checkout))
            packages = ModuleType("pkg_resources")  # they want one function of it, and it is no longer installed with Python
            packages.parse_version = version.parse  # type: ignore[attr-defined]
            sys.modules.setdefault("pkg_resources", packages)
            _find_headers()
            _keep_extensions()
        maker = _biggan_deep if card.architecture == "biggan_deep" else _stylegan
        with torch.no_grad():
            source = importlib.import_module(MODULES[card.architecture])
            self._draw = maker(source, card.config, self._ours.state_dict(), self._device)

    def step(self, state: LatentState, out: ByteArray) -> None:
        out[..., :3] = self.draw([state])[0].cpu().numpy()
        out[..., 3] = 255

    def draw(self, states: Sequence[LatentState]) -> Tensor:
        """Pictures (B,H,W,3), uint8, on the device; all states have the truncation of the first."""
        picture = self._picture(states)
        return (picture * 127.5 + 127.5).round().clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1)

    def parity(self, state: LatentState) -> float:
        """The largest difference between the reference's picture and ours in torch, as a share of its largest value."""
        expected = self._picture([state])
        z, y = (torch.from_numpy(value)[None].to(self._device) for value in (state.z, state.y))
        truncation = torch.full((1, 1), state.truncation, device=self._device)
        with torch.inference_mode():
            found = self._ours(z, y, truncation, torch.zeros(1, *self._ours.noise_shape, device=self._device))
        return float((found - expected).abs().max() / expected.abs().max())

    def forget_ours(self) -> None:
        """Give back what `parity` compares with: it cannot be asked afterwards, and the reference is alone on the card."""
        del self._ours

    def _picture(self, states: Sequence[LatentState]) -> Tensor:
        z, y = (torch.from_numpy(np.stack(values)).to(self._device) for values in zip(*((s.z, s.y) for s in states), strict=True))
        with torch.inference_mode():
            return self._draw(z, y, states[0].truncation)


def _find_headers() -> None:
    """Tell the compilers of NVIDIA's kernels where CUDA's headers are: in the toolkit, and what it lacks in PyTorch's packages.

    PyTorch looks for the toolkit around the first nvcc, which may be a mere link to it.
    """
    if "CUDA_HOME" not in os.environ and Path(CUDA_PLACE, "include", "cuda_runtime.h").is_file():
        os.environ["CUDA_HOME"] = CUDA_PLACE
    found = importlib.util.find_spec("nvidia")
    folders = (found and found.submodule_search_locations) or ()
    places = sorted(str(place) for folder in folders for place in Path(folder).glob("*/include"))
    if places:
        os.environ["CPATH"] = os.pathsep.join([*filter(None, [os.environ.get("CPATH")]), *places])


def _keep_extensions() -> None:
    """Have PyTorch keep the kernels that NVIDIA's code builds where it then looks for them: among the modules."""
    extensions = importlib.import_module("torch.utils.cpp_extension")
    load = extensions.load

    def load_and_keep(name: str, *given: Any, **named: Any) -> Any:
        sys.modules[name] = load(name, *given, **named)
        return sys.modules[name]

    extensions.load = load_and_keep  # type: ignore[attr-defined]


def _stylegan(source: Any, config: Mapping[str, Any], weights: Mapping[str, Tensor], device: torch.device) -> Drawing:
    sizes = (config["z_dim"], config["c_dim"], config["w_dim"], config["resolution"], 3)
    synthesis: dict[str, Any] = {key: config[key] for key in ("channel_base", "channel_max", "conv_clamp")}
    synthesis["num_fp16_res"] = HALF_RESOLUTIONS if device.type == "cuda" else 0
    if "kind" not in config:  # StyleGAN2
        synthesis = {"synthesis_kwargs": synthesis}
    elif config["kind"] == "r":
        synthesis |= {"conv_kernel": 1, "use_radial_filters": True}
    network = source.Generator(*sizes, mapping_kwargs={"num_layers": config["mapping_layers"]}, **synthesis)
    network.load_state_dict({**network.state_dict(), **weights})  # its keys are ours; it has filters beside them
    network.eval().requires_grad_(False).to(device)

    def draw(z: Tensor, y: Tensor, truncation: float) -> Tensor:
        whole = device.type != "cuda"
        picture: Tensor = network(z, y, truncation_psi=truncation, noise_mode="const", force_fp32=whole)
        return picture.float()

    return draw


def _biggan_deep(source: Any, config: Mapping[str, Any], weights: Mapping[str, Tensor], device: torch.device) -> Drawing:
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
    network.to(device)

    def draw(z: Tensor, y: Tensor, truncation: float) -> Tensor:
        picture: Tensor = network(z.clamp(-2, 2) * truncation, y, truncation)
        return picture

    return draw
