"""Checkpoints made by hand, in the shapes in which others save theirs, and some that were made to harm."""

import json
import pickle
import struct
import sys
import types
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.generators.stylegan2 import StyleGAN2
from engine.generators.stylegan3 import StyleGAN3

SMALL = {
    "resolution": 16,
    "z_dim": 16,
    "w_dim": 16,
    "c_dim": 0,
    "channel_base": 128,
    "channel_max": 16,
    "mapping_layers": 2,
    "conv_clamp": 256.0,
}
BUFFERS = ("w_avg", "noise_const", "resample_filter", "freqs", "phases", "transform", "magnitude_ema", "up_filter")


@torch.no_grad()
def network(seed: int = 0, **changes: Any) -> StyleGAN2:
    """A small StyleGAN2 whose every tensor matters."""
    torch.manual_seed(seed)
    made = StyleGAN2.from_config(SMALL | changes).eval()
    for name, tensor in made.state_dict().items():
        if name.endswith(("bias", "noise_strength", "w_avg")):
            tensor.add_(torch.randn_like(tensor) * 0.1)
    return made


@torch.no_grad()
def drawn(made: Any) -> Tensor:
    """Two pictures, truncated."""
    torch.manual_seed(1)
    z, y = torch.randn(2, made.z_size), torch.eye(made.classes)[[0, -1]]
    return made(z, y, torch.full((2, 1), 0.7), torch.zeros(2, *made.noise_shape))


class EasyDict(dict[str, Any]):
    """NVIDIA's dict, by its name in pickles."""


class Part:
    """A network or layer that pickles as NVIDIA's persistent objects do, its source code beside it."""

    def __init__(self, class_name: str, source: str, state: dict[str, Any]) -> None:
        self.class_name, self.source, self.state = class_name, source, state

    def __reduce__(self) -> tuple[Any, ...]:
        meta = {"type": "class", "version": 6, "module_src": self.source, "class_name": self.class_name, "state": self.state}
        return _reconstruct_persistent_obj, (meta,), None


def _reconstruct_persistent_obj(meta: Any) -> Any:
    raise AssertionError("the reader called it")


@contextmanager
def under_their_names() -> Iterator[None]:
    """While it lasts, pickles name these classes as NVIDIA's own code would."""
    paths = ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util")
    sys.modules.update({path: types.ModuleType(path) for path in paths})
    for path, part in (("torch_utils.persistence", _reconstruct_persistent_obj), ("dnnlib.util", EasyDict)):
        setattr(sys.modules[path], part.__name__, part)
        part.__module__ = path
    try:
        yield
    finally:
        for path in paths:
            del sys.modules[path]
        _reconstruct_persistent_obj.__module__ = EasyDict.__module__ = __name__


def nvidia_tree(tensors: dict[str, Tensor], source: str, attributes: dict[str, dict[str, Any]]) -> Part:
    """Tensors by dotted names as a tree of parts; `attributes` by the names of parts."""

    def part(prefix: str) -> Part:
        inner = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
        here = {key: tensor for key, tensor in inner.items() if "." not in key}
        below = list(dict.fromkeys(key.partition(".")[0] for key in inner if "." in key))
        parameters = {key: torch.nn.Parameter(t, requires_grad=False) for key, t in here.items() if key not in BUFFERS}
        state = {
            "training": False,
            "_parameters": OrderedDict(parameters),
            "_buffers": OrderedDict((key, t) for key, t in here.items() if key in BUFFERS),
            "_non_persistent_buffers_set": set(),
            "_backward_hooks": OrderedDict(),
            "_modules": OrderedDict((name, part(f"{prefix}{name}.")) for name in below),
            "weight_gain": np.float64(0.25),
            "size": np.array([16, 16]),
            "_init_args": (),
            "_init_kwargs": EasyDict(),
        }
        name = "Generator" if not prefix else "Layer"
        return Part(name, source, state | attributes.get(prefix.rstrip("."), {}))

    return part("")


def nvidia_pickle(made: StyleGAN2, source: str = "", protocol: int = 4, **attributes: dict[str, Any]) -> bytes:
    """A snapshot as stylegan2-ada-pytorch writes it: G, D, G_ema and what the training was given."""
    tap = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    tensors: dict[str, Tensor] = {}
    for key, tensor in made.state_dict().items():
        tensors[key] = tensor
        if key.endswith("noise_const"):
            tensors[key.replace("noise_const", "resample_filter")] = tap.outer(tap)
    told: dict[str, dict[str, Any]] = {
        f"synthesis.b{size}.conv1": {"conv_clamp": 256, "activation": "lrelu", "use_noise": True} for size in (4, 8, 16)
    }
    root = nvidia_tree(tensors, source, told | {name.replace("_", "."): told for name, told in attributes.items()})
    extra = EasyDict(class_name="training.dataset.ImageFolderDataset", path="pictures.zip", max_size=None, xflip=True)
    snapshot = {"G": root, "D": root, "G_ema": root, "training_set_kwargs": extra, "augment_pipe": None}
    with under_their_names():
        return pickle.dumps(snapshot, protocol=protocol)


def nvidia_three(made: StyleGAN3, radial: bool) -> bytes:
    """A snapshot as the StyleGAN3 repository writes it."""
    tensors = made.state_dict()
    layers = [name.removesuffix(".magnitude_ema") for name in tensors if name.endswith(".magnitude_ema")]
    told: dict[str, dict[str, Any]] = {name: {"conv_clamp": 256, "down_radial": radial} for name in layers}
    told["synthesis"] = {"num_layers": 14, "_init_kwargs": EasyDict(channel_base=256, channel_max=16)}
    tensors |= {f"{name}.up_filter": torch.ones(12) / 12 for name in layers}
    root = nvidia_tree(tensors, "", told)
    with under_their_names():
        return pickle.dumps({"G": root, "D": root, "G_ema": root, "augment_pipe": None}, protocol=4)


def rosinality_state(made: StyleGAN2) -> dict[str, Tensor]:
    """The tensors of a StyleGAN2 under the names and in the shapes of rosinality's."""
    own = made.state_dict()
    tap = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    state = {"input.input": own["synthesis.b4.const"][None]}
    for index in range(made.mapping.depth):
        for kind in ("weight", "bias"):
            state[f"style.{index + 1}.{kind}"] = own[f"mapping.fc{index}.{kind}"]
    convs = [("b4.conv1", "conv1")]
    rgbs = [("b4.torgb", "to_rgb1")]
    for step, size in enumerate(2**power for power in range(3, made.resolution[0].bit_length())):
        convs += [(f"b{size}.conv0", f"convs.{2 * step}"), (f"b{size}.conv1", f"convs.{2 * step + 1}")]
        rgbs += [(f"b{size}.torgb", f"to_rgbs.{step}")]
        state[f"convs.{2 * step}.conv.blur.kernel"] = state[f"to_rgbs.{step}.upsample.kernel"] = 4 * tap.outer(tap)
    for number, (ours, theirs) in enumerate(convs):
        state[f"{theirs}.noise.weight"] = own[f"synthesis.{ours}.noise_strength"][None]
        state[f"{theirs}.activate.bias"] = own[f"synthesis.{ours}.bias"]
        state[f"noises.noise_{number}"] = own[f"synthesis.{ours}.noise_const"][None, None]
    for ours, theirs in rgbs:
        state[f"{theirs}.bias"] = own[f"synthesis.{ours}.bias"].reshape(1, 3, 1, 1)
    for ours, theirs in convs + rgbs:
        state[f"{theirs}.conv.weight"] = own[f"synthesis.{ours}.weight"][None]
        for kind in ("weight", "bias"):
            state[f"{theirs}.conv.modulation.{kind}"] = own[f"synthesis.{ours}.affine.{kind}"]
    return state


def rosinality(made: StyleGAN2, zipped: bool = True, mean: bool = True, **changes: Any) -> bytes:
    """A checkpoint as its training saves it, with the optimiser's state and the command line's arguments."""
    state = rosinality_state(made) | changes
    optimiser = torch.optim.Adam(made.parameters())
    value = {"g": state, "g_ema": state, "g_optim": optimiser.state_dict(), "args": Namespace(size=16), "ada_aug_p": 0.25}
    if mean:
        value["latent_avg"] = made.mapping.w_avg
    packed = BytesIO()
    torch.save(value, packed, _use_new_zipfile_serialization=zipped)
    return packed.getvalue()


def call(name: str, *texts: str) -> bytes:
    """A pickle that calls a global, written by hand: the module need not exist."""
    module, _, last = name.rpartition(".")
    return b"\x80\x02c%s\n%s\n(%stR." % (module.encode(), last.encode(), b"".join(map(text, texts)))


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def model(folder: Path, file: str, data: bytes, config: dict[str, Any]) -> Path:
    """A folder as Hugging Face keeps one."""
    folder.mkdir()
    (folder / file).write_bytes(data)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
