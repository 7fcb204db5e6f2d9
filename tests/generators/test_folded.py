"""Networks that are folded for cards, filters into products of matrices, draw what they drew before."""

from typing import Any

import pytest
import torch

from engine.core.network import Network
from engine.core.registry import lookup
from engine.runtime.picture_network import draw_folded, fold, halve

SIZES = {"z_dim": 16, "w_dim": 16, "c_dim": 3, "channel_base": 256, "channel_max": 16, "mapping_layers": 2, "conv_clamp": 256.0}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "stylegan2": ("stylegan2", {**SIZES, "resolution": 32}),
    "stylegan3-t": ("stylegan3", {**SIZES, "resolution": 16, "kind": "t"}),
    "stylegan3-r": ("stylegan3", {**SIZES, "resolution": 16, "kind": "r"}),
}


def build(kind: str) -> Network:
    architecture, config = CASES[kind]
    torch.manual_seed(3)
    network: Network = lookup("architecture", architecture).from_config(config)
    for key, value in network.state_dict().items():
        if key.endswith("noise_strength"):
            value.fill_(0.3)
    return network.eval().requires_grad_(False)


def draw(network: Network, batch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    z, noise = (torch.randn(batch, *shape, generator=generator) for shape in ((network.z_size,), network.noise_shape))
    y = torch.full((batch, network.classes), 1 / network.classes)
    extra_inputs = {name: 0.1 * torch.randn(batch, *shape, generator=generator) for name, shape in network.extra_inputs.items()}
    with torch.inference_mode():
        return network(z, y, torch.full((batch, 1), 0.8), noise, extra_inputs).float()


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("kind", CASES)
def test_a_folded_network_draws_the_same_and_either_way_again_exactly_that(kind: str, batch: int) -> None:
    network = build(kind)
    expected = draw(network, batch)
    assert fold(network)
    folded = draw(network, batch)
    assert (folded - expected).abs().max() < 1e-5 * expected.abs().max()
    draw_folded(network, False)
    assert (draw(network, batch) == expected).all()
    draw_folded(network, True)
    assert (draw(network, batch) == folded).all()


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("kind", ["stylegan2", "stylegan3-t"])
def test_so_it_does_in_half_precision(kind: str, batch: int) -> None:
    network = build(kind)
    expected = draw(network, batch)
    fold(halve(network))
    assert (draw(network, batch) - expected).abs().max() < 0.01 * expected.abs().max()


def test_a_network_without_filters_has_nothing_to_fold() -> None:
    config = {"resolution": 128, "ch": 4, "num_classes": 3, "z_dim": 8, "hf_compat": False}
    assert not fold(lookup("architecture", "biggan_deep").from_config(config))
