"""A model blended of two: the coarse layers of one and the fine layers of the other, or weights between those of both.

Layer swapping is that of Pinkney and Adler (2020, arXiv:2010.05334): what is seen from one model, how it is painted from the
other. It works between models of which one was trained from the other, or both from one; strangers give noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

from engine.core.network import Network
from engine.generators.biggan_deep import Attention, BigGanDeep, Block
from engine.generators.stylegan2 import StyleGAN2
from engine.generators.stylegan3 import MARGIN, StyleGAN3
from engine.runtime.card import GENERATOR, CardError, ModelCard, load_card
from engine.runtime.picture_network import load_network
from engine.studio import card_file
from engine.studio.checkpoint.model_writer import new_folder
from engine.studio.drawing import Frames, frames, latents

BEFORE = 0  # pixels: what comes before all layers, such as a mapping network
SHOWN = 8  # latents, before and after
_COARSEST = 16  # pixels: where StyleGAN3 begins
_NOISE = "noise_const"  # buffers of N(0,1), which an average would make quieter


@dataclass(frozen=True, slots=True)
class Recipe:
    """Layers of `swap_from` pixels and more take `share` (0..1) of their weights from the second model, the others none."""

    swap_from: int
    share: float


def recipe(network: Network, swap_from: int | None, layers: float | None, share: float | None) -> Recipe:
    """What a user's options come to. `layers` is the share of all resolutions, coarsest first, that stay the first model's.

    Raises ValueError for options that say nothing, too much, or a resolution that the network has not.
    """
    sizes = sorted({size for size in layer_sizes(network).values() if size != BEFORE})
    if swap_from is None and layers is None and share is None:
        raise ValueError("expected --swap-from, --layers or --weights, or else there is nothing to blend")
    if swap_from is not None and layers is not None:
        raise ValueError(f"expected --swap-from or --layers; got both, {swap_from} and {layers}")
    if layers is not None:
        swap_from = sizes[min(max(round(layers * len(sizes)), 1), len(sizes) - 1)]
    if swap_from is not None and swap_from not in sizes[1:]:
        raise ValueError(f"expected --swap-from to be one of {', '.join(map(str, sizes[1:]))}; got {swap_from}")
    return Recipe(swap_from or BEFORE, 1.0 if share is None else share)


def blend(
    one: Path,
    two: Path,
    out: Path,
    swap_from: int | None = None,
    layers: float | None = None,
    share: float | None = None,
    force: bool = False,
) -> list[Frames]:
    """Write to `out` the blend of two models; for `swap_from`, `layers` and `share` see `recipe`.

    Returns rows of frames of the same latents: the first model's, the second's, the blend's. Raises CardError for models
    that cannot be blended, FileExistsError for an `out` that is there, without `force`.
    """
    cards = load_card(one), load_card(two)
    _compare(*cards)
    first, second = (load_network(card) for card in cards)
    how = recipe(first, swap_from, layers, share)
    z = latents(first, SHOWN, 100)
    y = np.eye(first.classes, dtype=np.float32)[np.linspace(0, first.classes - 1, SHOWN).astype(int)]
    rows = [frames(first, z, y), frames(second, z, y)]
    mixed = mixture(first, second, how)
    first.load_state_dict(mixed)
    rows.append(frames(first, z, y))
    kept = first.half().state_dict()  # some buffers stay float32 by their own will
    with new_folder(out, force) as beside:
        save_file({name: tensor.to(kept[name].dtype).contiguous() for name, tensor in mixed.items()}, beside / GENERATOR)
        card_file.write(beside, card_file.complete(beside, _card(cards, how, out), first.to("meta")))
        load_card(beside).load()
    return rows


def mixture(first: Network, second: Network, how: Recipe) -> dict[str, Tensor]:
    """The weights of the blend."""
    sizes, theirs = layer_sizes(first), second.state_dict()
    mixed = {}
    for name, mine in first.state_dict().items():
        share = how.share if sizes[name] >= how.swap_from else 0.0
        mixed[name] = mine * (1 - share) + theirs[name] * share
        if name.endswith(_NOISE):
            mixed[name] /= float(np.hypot(share, 1 - share))
    return mixed


def layer_sizes(network: Network) -> dict[str, int]:
    """For each tensor of a network the resolution of its layer in pixels. Raises CardError where layers have none."""
    names = network.state_dict()
    if isinstance(network, StyleGAN2):
        return {name: int(name.split(".")[1][1:]) if name.startswith("synthesis.") else BEFORE for name in names}
    if isinstance(network, StyleGAN3):
        return {name: _rate(name.split(".")[1]) if name.startswith("synthesis.") else BEFORE for name in names}
    if isinstance(network, BigGanDeep):
        size, starts = 4, {"embeddings.": BEFORE, "gen_z.": 4}
        for number, layer in enumerate(network.layers):
            if isinstance(layer, Block) and layer.up:
                size *= 2
            assert isinstance(layer, Block | Attention)
            starts[f"layers.{number}."] = size
        return {name: next((px for start, px in starts.items() if name.startswith(start)), size) for name in names}
    raise CardError(
        f"expected a model whose layers have resolutions (StyleGAN2 and 3, BigGAN-deep); got {type(network).__name__}"
    )


def _rate(layer: str) -> int:
    """Pixels a frame of StyleGAN3's layer `input` or L<number>_<size>_<channels>, whose size may include a margin."""
    if layer == "input":
        return _COARSEST
    size = int(layer.split("_")[1])
    inner = size - 2 * MARGIN
    return inner if inner >= _COARSEST and inner & (inner - 1) == 0 else size


def _compare(one: ModelCard, two: ModelCard) -> None:
    for what, mine, theirs in (("architecture", one.architecture, two.architecture), ("[config]", one.config, two.config)):
        if mine != theirs:
            raise CardError(f"expected two models of one {what}; got {_differing(mine, theirs)} in {one.folder} and {two.folder}")
    if one.sha256 == two.sha256:
        raise CardError(f"expected two models; got the same weights in {one.folder} and {two.folder}")


def _differing(mine: Any, theirs: Any) -> str:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        key = next(key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key))
        return f"{key} = {mine.get(key)} and {theirs.get(key)}"
    return f"{mine} and {theirs}"


def _card(cards: tuple[ModelCard, ModelCard], how: Recipe, out: Path) -> dict[str, Any]:
    old = [card_file.read(card.folder) for card in cards]
    licences = list(dict.fromkeys(str(card.get("licence", "unknown: fill in")) for card in old))
    percent = f"{how.share:.0%} of the weights" + (f" of the layers of {how.swap_from} pixels and more" if how.swap_from else "")
    described = {
        "name": out.resolve().name,
        "architecture": cards[0].architecture,
        "description": f"A blend: {cards[0].name}, but {percent} from {cards[1].name}.",
        "classes": list(cards[0].classes),
        "licence": licences[0] if len(licences) == 1 else " AND ".join(licences),
        "patch": cards[0].patch or card_file.PATCH,
    }
    cautions = list(dict.fromkeys(str(card["caution"]) for card in old if "caution" in card))
    if cautions:
        described["caution"] = " ".join(cautions)
    sources = [
        {"name": card.name, "sha256": card.sha256, "licence": str(table.get("licence", "unknown: fill in"))}
        for card, table in zip(cards, old, strict=True)
    ]
    blended = {"swap_from": how.swap_from, "weights": how.share}
    return described | {"config": cards[0].config, "blend": blended, "sources": sources}
