"""StyleGAN3: what NVIDIA's network drew with the same weights, every live input, half precision, OpenVINO, its filters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.generators.alias_free import bessel_j1, lowpass  # noqa: E402
from engine.generators.stylegan3 import StyleGAN3, bands  # noqa: E402
from tools.parity import CASES, FULL, build, inputs  # noqa: E402

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan3.npz"
T, R = "stylegan3-small-t", "stylegan3-small-r"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are too small for two
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=[T, R])
def network(request: Any) -> Any:
    return build(request.param)


def full(batch: int, truncation: float = 1.0) -> Any:
    return torch.full((batch, 1), truncation)


@torch.no_grad()
def draw(network: Any, z: Any, y: Any, truncation: Any, noise: Any, **live: Any) -> Any:
    return network(z, y, truncation, noise, live).float().numpy()


def live_inputs(network: Any, batch: int, size: float, seed: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = network.live.items()
    return {name: torch.from_numpy((size * rng.standard_normal((batch, *shape))).astype(np.float32)) for name, shape in shapes}


@pytest.mark.parametrize("name", [T, R])
def test_it_draws_what_the_reference_drew(name: str) -> None:
    network = build(name)
    z, y, noise = inputs(network)
    expected = np.load(GOLDEN)[name]
    found = draw(network, z, y, full(2, 0.7), noise)[:, :, ::4, ::4]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_picture_does_not_depend_on_its_batch(network: Any) -> None:
    z, y, noise = inputs(network, batch=3)
    live = live_inputs(network, 3, 0.3)
    together = draw(network, z, y, full(3), noise, **live)
    alone = draw(network, z[1:2], y[1:2], full(1), noise[1:2], **{name: value[1:2] for name, value in live.items()})
    assert np.abs(together[1:2] - alone).max() < 1e-4 * np.abs(alone).max()


def test_truncation_nought_is_the_picture_of_the_average_style(network: Any) -> None:
    z, y, noise = inputs(network)
    still = draw(network, z, y, full(2, 0.0), noise)
    average = draw(network, z, y, full(2), noise, w=torch.cat([network.mapping.w_avg.repeat(2, 16), full(2)], 1))
    assert np.abs(still - average).max() < 1e-5
    assert np.abs(still[0] - still[1]).max() < 1e-5


@pytest.mark.parametrize("name", ["spread", "styles", "w", "camera"])
def test_a_live_input_at_rest_equals_none_and_moved_moves_the_picture(network: Any, name: str) -> None:
    z, y, noise = inputs(network)
    none = draw(network, z, y, full(2, 0.7), noise)
    rest, moved = (live_inputs(network, 2, size)[name] for size in (0.0, 0.5))
    assert np.abs(draw(network, z, y, full(2, 0.7), noise, **{name: rest}) - none).max() < 1e-5 * np.abs(none).max()
    assert np.abs(draw(network, z, y, full(2, 0.7), noise, **{name: moved}) - none).max() > 1e-2 * np.abs(none).max()


def test_styles_wholly_mixed_in_are_the_other_latents(network: Any) -> None:
    z, y, noise = inputs(network)
    mixed = draw(network, z, y, full(2, 0.7), noise, styles=torch.cat([z.flip(0), torch.ones(2, 3)], 1))
    assert np.abs(mixed - draw(network, z.flip(0), y, full(2, 0.7), noise)).max() < 1e-4


def test_the_camera_moves_and_turns_the_input_plane_as_it_says(network: Any) -> None:
    source = network.synthesis.input
    size, rate = source.band.size, source.band.rate
    w = torch.randn(1, 24, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        rest = source(w, None)
        moved = source(w, torch.tensor([[3 / rate, 0.0, 0.0, 0.0]]))
        turned = source(w, torch.tensor([[0.0, 0.0, float(np.pi / 2), 0.0]]))
        zoomed = source(w, torch.tensor([[0.0, 0.0, 0.0, float(np.log(3.0))]]))
    assert float((moved[..., 3:] - rest[..., :-3]).abs().max()) < 1e-4
    assert float((turned - torch.rot90(rest, 1, (2, 3))).abs().max()) < 1e-4  # rot90 is counterclockwise on a screen too
    assert float((zoomed[..., 1::3, 1::3] - rest[..., 12 : size - 12, 12 : size - 12]).abs().max()) < 1e-4


def test_the_picture_follows_the_camera(network: Any) -> None:
    """What the architecture is for: away from its edges, the whole picture moves."""
    z, y, noise = inputs(network, batch=1)
    rest, moved = (draw(network, z, y, full(1), noise, camera=torch.tensor([[x / 32, 0.0, 0.0, 0.0]])) for x in (0.0, 4.0))
    before, after = rest[..., 8:24, 8:20], moved[..., 8:24, 12:24]
    assert np.abs(after - before).mean() < 0.1 * np.abs(rest[..., 8:24, 12:24] - before).mean()


@pytest.mark.parametrize(("kind", "tolerance"), [("bfloat16", 0.1), ("float16", 0.01)])
@pytest.mark.parametrize("name", [T, R])
def test_half_precision_agrees(name: str, kind: str, tolerance: float) -> None:
    network = build(name)
    z, y, noise = inputs(network)
    expected = draw(network, z, y, full(2), noise)
    found = draw(network.to(getattr(torch, kind)), z, y, full(2), noise)
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", [T, R])
def test_it_can_be_trained(name: str) -> None:
    network = build(name).double()
    network.requires_grad_(True)
    z, y, noise = (value.double() for value in inputs(network, batch=1))
    network(z, y, full(1).double(), noise).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_openvino_draws_what_torch_draws() -> None:
    openvino = pytest.importorskip("openvino")
    network = build(T)

    class Positional(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, z: Any, y: Any, truncation: Any, noise: Any, *live: Any) -> Any:
            return network(z, y, truncation, noise, dict(zip(network.live, live, strict=True)))

    z, y, noise = inputs(network)
    args = (z, y, full(2, 0.7), noise, *live_inputs(network, 2, 0.3).values())
    traced = torch.jit.trace(Positional(), args, check_trace=False)
    model = openvino.convert_model(traced, example_input=args, input=[tuple(a.shape) for a in args])
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    expected = Positional()(*args).numpy()
    assert np.abs(compiled([a.numpy() for a in args])[0] - expected).max() < 1e-4 * np.abs(expected).max()


def test_filters_are_those_of_scipy() -> None:
    signal, special = pytest.importorskip("scipy.signal"), pytest.importorskip("scipy.special")
    x = np.linspace(0, 60, 1000)
    assert np.abs(bessel_j1(x) - special.j1(x)).max() < 1e-12
    for band in bands(256, 32768, 512):
        for taps, rate in ((12, 2 * band.rate), (24, 4 * band.rate)):
            expected = signal.firwin(numtaps=taps, cutoff=band.cutoff, width=2 * band.width, fs=rate)
            assert np.abs(lowpass(taps, band.cutoff, 2 * band.width, rate) - expected).max() < 1e-12


def test_layers_are_named_as_in_the_reference() -> None:
    with torch.device("meta"):
        network = StyleGAN3.from_config({**FULL, "resolution": 1024, "kind": "t"})
    names = [name for name, _ in network.synthesis.named_children()]
    assert names[:5] == ["input", "L0_36_512", "L1_36_512", "L2_52_512", "L3_52_512"]
    assert names[-5:] == ["L10_1044_81", "L11_1044_51", "L12_1044_32", "L13_1024_32", "L14_1024_3"]


@pytest.mark.parametrize(("key", "value", "expected"), [("resolution", 48, "16, 32, 64"), ("kind", "x", "'t' or 'r'")])
def test_a_config_that_makes_no_sense_is_refused(key: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"{expected}.*got.*{value}"):
        StyleGAN3.from_config({**CASES[T][1], key: value})
