"""StyleGAN2 by itself: every number of its live inputs, noise and bends, large weights in half precision, its size."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stylegan import draw, full, live_inputs  # noqa: E402

from engine.generators.stylegan2 import StyleGAN2  # noqa: E402
from tools.parity import CASES, FULL, build, inputs  # noqa: E402

PLAIN = "stylegan2-small"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def plain() -> Any:
    return build(PLAIN)


@pytest.mark.parametrize("name", ["spread", "styles", "w", "grain", "bend"])
def test_the_numbers_of_a_live_input_move_the_picture(plain: Any, name: str) -> None:
    z, y, noise = inputs(plain, batch=1)
    extra_inputs = live_inputs(plain, 1, 1.0)
    extra_inputs["styles"][:, -3:], extra_inputs["w"][:, -1:], extra_inputs["bend"][:, :, -1] = 0.5, 0.5, 0.5
    value = extra_inputs[name]
    before = draw(plain, z, y, full(1, 0.7), noise, **{name: value})
    flat = value.view(1, -1)
    for index in np.random.default_rng(5).permutation(flat.shape[1])[:12]:
        moved = flat.clone()
        moved[0, index] += 0.3
        after = draw(plain, z, y, full(1, 0.7), noise, **{name: moved.view_as(value)})
        assert np.abs(after - before).max() > 1e-5, index


def test_a_given_style_takes_the_place_of_the_mapped_one(plain: Any) -> None:
    z, y, noise = inputs(plain)
    with torch.no_grad():
        style = plain.mapping(z.flip(0), y, full(2), {})
    given = draw(plain, z, y, full(2, 0.7), noise, w=torch.cat([style.flatten(1), full(2)], 1))
    assert np.abs(given - draw(plain, z.flip(0), y, full(2), noise)).max() < 1e-4


def test_a_group_that_mixes_leaves_the_styles_of_the_others(plain: Any) -> None:
    z, y, _ = inputs(plain)
    with torch.no_grad():
        rest = plain.mapping(z, y, full(2), {})
        mixed = plain.mapping(z, y, full(2), {"styles": torch.cat([z.flip(0), torch.tensor([[0.0, 1.0, 0.0]] * 2)], 1)})
    assert [bool(layer) for layer in (mixed - rest).abs().amax((0, 2)) > 0] == [False] * 3 + [True] * 4 + [False] * 3


def test_noise_keeps_its_strength_wherever_it_goes(plain: Any) -> None:
    layer = plain.synthesis.b64.conv1
    for n in ([0.0, 0.0], [0.5, -1.0], [30.0, 10.0]):
        added = layer.grain(layer.noise_const, torch.tensor([0.5]), torch.tensor([n]))
        assert float(added.std()) == pytest.approx(0.5, rel=0.05)


def test_grain_of_minus_one_is_no_noise(plain: Any) -> None:
    z, y, noise = inputs(plain, batch=1)
    silent = torch.full((1, 3), -1.0)
    one, two = (draw(plain, z, y, full(1), noise + n, grain=silent) for n in (0.0, 1.0))
    assert np.abs(one - two).max() == 0
    assert np.abs(draw(plain, z, y, full(1), noise + 1.0) - one).max() > 1e-3


def test_a_bend_moves_enlarges_and_turns_the_maps_as_it_says(plain: Any) -> None:
    bend = plain.synthesis.b64.bend
    spot = torch.zeros(1, len(bend.rank), 64, 64)
    spot[:, :, 20, 40] = 1.0
    quarter = float(np.pi / 2)
    moved = bend(spot, torch.tensor([[0.25, 0.125, 0.0, 0.0, 0.0, 1.0]]))[0, 0]
    assert divmod(int(moved.argmax()), 64) == (28, 56)
    turned = bend(spot, torch.tensor([[0.0, 0.0, 0.0, quarter, 0.0, 1.0]]))[0, 0]
    assert divmod(int(turned.argmax()), 64) == (23, 20)  # what was right of the middle is now above it
    enlarged = bend(spot, torch.tensor([[0.0, 0.0, float(np.log(2.0)), 0.0, 0.0, 1.0]]))[0, 0]
    assert divmod(int(enlarged.argmax()), 64) in [(8, 48), (8, 49), (9, 48), (9, 49)]
    half = bend(spot, torch.tensor([[0.25, 0.0, 0.0, 0.0, 0.0, 0.5]]))
    assert int((half[0, :, 20, 40] < 0.5).sum()) == len(bend.rank) // 2


def test_float16_does_not_overflow_where_the_weights_are_large() -> None:
    network = build(PLAIN)
    for layer in network.synthesis.modules():
        if hasattr(layer, "noise_const"):
            layer.weight *= 300
            layer.affine.weight *= 30
    z, y, noise = inputs(network)
    expected = draw(network, z, y, full(2), noise)
    found = draw(network.half(), z, y, full(2), noise)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("resolution", "base", "parameters", "layers"),
    [(256, 32768, 30_034_338, 14), (256, 16384, 24_767_458, 14), (512, 32768, 30_276_583, 16), (1024, 32768, 30_370_060, 18)],
)
def test_it_has_as_many_parameters_as_the_reference(resolution: int, base: int, parameters: int, layers: int) -> None:
    with torch.device("meta"):
        network = StyleGAN2.from_config({**FULL, "resolution": resolution, "channel_base": base})
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert network.extra_inputs["w"] == (layers * 512 + 1,)
    assert not [key for key in network.state_dict() if "fir" in key or "grain" in key or "bend" in key]


def test_a_resolution_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a resolution of 8, 16, 32, .. from \[config\]; got 48"):
        StyleGAN2.from_config({**CASES[PLAIN][1], "resolution": 48})
