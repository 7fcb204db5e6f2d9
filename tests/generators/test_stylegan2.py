"""StyleGAN2: what NVIDIA's network drew with the same weights, every live input, half precision, OpenVINO, its size."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.generators.stylegan2 import StyleGAN2  # noqa: E402
from tools.parity import CASES, FULL, build, inputs  # noqa: E402

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan2.npz"
PLAIN, CLASSES = "stylegan2-small", "stylegan2-small-classes"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are too small for two
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def plain() -> Any:
    return build(PLAIN)


@pytest.fixture(scope="module")
def classes() -> Any:
    return build(CLASSES)


def full(batch: int, truncation: float = 1.0) -> Any:
    return torch.full((batch, 1), truncation)


@torch.no_grad()
def draw(network: Any, z: Any, y: Any, truncation: Any, noise: Any, **live: Any) -> Any:
    return network(z, y, truncation, noise, live).float().numpy()


def live_inputs(network: Any, batch: int, size: float, seed: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = network.live.items()
    return {name: torch.from_numpy((size * rng.standard_normal((batch, *shape))).astype(np.float32)) for name, shape in shapes}


@pytest.mark.parametrize("name", [PLAIN, CLASSES])
def test_it_draws_what_the_reference_drew(name: str) -> None:
    network = build(name)
    z, y, noise = inputs(network)
    expected = np.load(GOLDEN)[name]
    found = draw(network, z, y, full(2, 0.7), noise)[:, :, ::4, ::4]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_picture_does_not_depend_on_its_batch(classes: Any) -> None:
    z, y, noise = inputs(classes, batch=3)
    noise = torch.randn(noise.shape, generator=torch.Generator().manual_seed(4))
    live = live_inputs(classes, 3, 0.3)
    together = draw(classes, z, y, full(3), noise, **live)
    alone = draw(classes, z[1:2], y[1:2], full(1), noise[1:2], **{name: value[1:2] for name, value in live.items()})
    assert np.abs(together[1:2] - alone).max() < 1e-4 * np.abs(alone).max()


def test_truncation_nought_is_the_picture_of_the_average_style(plain: Any) -> None:
    z, y, noise = inputs(plain)
    still = draw(plain, z, y, full(2, 0.0), noise)
    styles = plain.mapping.w_avg.repeat(2, plain.noise_shape[0] + 1)
    average = draw(plain, z, y, full(2), noise, w=torch.cat([styles, full(2)], 1))
    assert np.abs(still - average).max() < 1e-5
    assert np.abs(still[0] - still[1]).max() < 1e-5


def test_live_inputs_at_rest_equal_none(classes: Any) -> None:
    z, y, noise = inputs(classes)
    for name, value in live_inputs(classes, 2, 0.0).items():
        assert (
            np.abs(draw(classes, z, y, full(2, 0.7), noise, **{name: value}) - draw(classes, z, y, full(2, 0.7), noise)).max()
            < 1e-6
        )


@pytest.mark.parametrize("name", ["spread", "styles", "w", "grain", "bend"])
def test_the_numbers_of_a_live_input_move_the_picture(plain: Any, name: str) -> None:
    z, y, noise = inputs(plain, batch=1)
    live = live_inputs(plain, 1, 1.0)
    live["styles"][:, -3:], live["w"][:, -1:], live["bend"][:, :, -1] = 0.5, 0.5, 0.5
    value = live[name]
    before = draw(plain, z, y, full(1, 0.7), noise, **{name: value})
    flat = value.view(1, -1)
    for index in np.random.default_rng(5).permutation(flat.shape[1])[:12]:
        moved = flat.clone()
        moved[0, index] += 0.3
        after = draw(plain, z, y, full(1, 0.7), noise, **{name: moved.view_as(value)})
        assert np.abs(after - before).max() > 1e-5, index


def test_styles_wholly_mixed_in_are_the_other_latents(classes: Any) -> None:
    z, y, noise = inputs(classes)
    other = z.flip(0)
    mixed = draw(classes, z, y, full(2, 0.7), noise, styles=torch.cat([other, torch.ones(2, 3)], 1))
    assert np.abs(mixed - draw(classes, other, y, full(2, 0.7), noise)).max() < 1e-4


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


@pytest.mark.parametrize(("kind", "tolerance"), [("bfloat16", 0.03), ("float16", 0.005)])
def test_half_precision_agrees(kind: str, tolerance: float) -> None:
    network = build(CLASSES)
    z, y, noise = inputs(network)
    live = live_inputs(network, 2, 0.3)
    expected = draw(network, z, y, full(2), noise, **live)
    found = draw(network.to(getattr(torch, kind)), z, y, full(2), noise, **live)
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()


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


def test_it_can_be_trained() -> None:
    network = build(CLASSES).double().requires_grad_(True)
    z, y, noise = (value.double() for value in inputs(network, batch=1))
    network(z, y, full(1).double(), noise).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_openvino_draws_what_torch_draws(classes: Any) -> None:
    openvino = pytest.importorskip("openvino")

    class Positional(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, z: Any, y: Any, truncation: Any, noise: Any, *live: Any) -> Any:
            return classes(z, y, truncation, noise, dict(zip(classes.live, live, strict=True)))

    z, y, noise = inputs(classes)
    args = (z, y, full(2, 0.7), noise + 0.5, *live_inputs(classes, 2, 0.3).values())
    traced = torch.jit.trace(Positional(), args, check_trace=False)
    model = openvino.convert_model(traced, example_input=args, input=[tuple(a.shape) for a in args])
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    expected = Positional()(*args).numpy()
    assert np.abs(compiled([a.numpy() for a in args])[0] - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("resolution", "base", "parameters", "layers"),
    [(256, 32768, 30_034_338, 14), (256, 16384, 24_767_458, 14), (512, 32768, 30_276_583, 16), (1024, 32768, 30_370_060, 18)],
)
def test_it_has_as_many_parameters_as_the_reference(resolution: int, base: int, parameters: int, layers: int) -> None:
    with torch.device("meta"):
        network = StyleGAN2.from_config({**FULL, "resolution": resolution, "channel_base": base})
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert network.live["w"] == (layers * 512 + 1,)
    assert not [key for key in network.state_dict() if "fir" in key or "grain" in key or "bend" in key]


def test_a_resolution_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a resolution of 8, 16, 32, .. from \[config\]; got 48"):
        StyleGAN2.from_config({**CASES[PLAIN][1], "resolution": 48})
