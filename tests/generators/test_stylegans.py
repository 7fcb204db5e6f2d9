"""What StyleGAN2 and StyleGAN3 have in common: the reference's pictures, styles, live inputs, half precision, OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stylegan import apart, draw, full, live_inputs  # noqa: E402

from tools.parity import build, inputs  # noqa: E402

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ("stylegan2-small", "stylegan2-small-classes", "stylegan3-small-t", "stylegan3-small-r")
HALF = {"bfloat16": {"stylegan2": 0.03, "stylegan3": 0.1}, "float16": {"stylegan2": 0.005, "stylegan3": 0.01}}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(name: str) -> Any:
    return build(name)


def test_it_draws_what_the_reference_drew(name: str, network: Any) -> None:
    z, y, noise = inputs(network)
    expected = np.load(GOLDEN / f"{name.split('-')[0]}.npz")[name]
    assert apart(draw(network, z, y, full(2, 0.7), noise)[:, :, ::4, ::4], expected) < 1e-4


def test_a_picture_does_not_depend_on_its_batch(network: Any) -> None:
    z, y, noise = inputs(network, batch=3)
    noise = torch.randn(noise.shape, generator=torch.Generator().manual_seed(4))
    extra_inputs = live_inputs(network, 3, 0.3)
    together = draw(network, z, y, full(3), noise, **extra_inputs)
    alone = draw(network, z[1:2], y[1:2], full(1), noise[1:2], **{name: value[1:2] for name, value in extra_inputs.items()})
    assert apart(together[1:2], alone) < 1e-4


def test_truncation_nought_is_the_picture_of_the_average_style(network: Any) -> None:
    z, y, noise = inputs(network)
    still = draw(network, z, y, full(2, 0.0), noise)
    layers = (network.extra_inputs["w"][0] - 1) // len(network.mapping.w_avg)
    average = draw(network, z, y, full(2), noise, w=torch.cat([network.mapping.w_avg.repeat(2, layers), full(2)], 1))
    assert np.abs(still - average).max() < 1e-5
    assert np.abs(still[0] - still[1]).max() < 1e-5


def test_a_live_input_at_rest_equals_none_and_moved_moves_the_picture(network: Any) -> None:
    z, y, noise = inputs(network)
    none = draw(network, z, y, full(2, 0.7), noise)
    rest, moved = live_inputs(network, 2, 0.0), live_inputs(network, 2, 0.5)
    assert {"spread", "styles", "w", "nudge"} < rest.keys()
    for name in rest:
        assert apart(draw(network, z, y, full(2, 0.7), noise, **{name: rest[name]}), none) < 1e-5, name
        assert apart(draw(network, z, y, full(2, 0.7), noise, **{name: moved[name]}), none) > 1e-2, name


def test_styles_wholly_mixed_in_are_the_other_latents(network: Any) -> None:
    z, y, noise = inputs(network)
    mixed = draw(network, z, y, full(2, 0.7), noise, styles=torch.cat([z.flip(0), torch.ones(2, 3)], 1))
    assert np.abs(mixed - draw(network, z.flip(0), y, full(2, 0.7), noise)).max() < 1e-4


@pytest.mark.parametrize("kind", HALF)
def test_half_precision_agrees(name: str, kind: str) -> None:
    network = build(name)
    z, y, noise = inputs(network)
    extra_inputs = live_inputs(network, 2, 0.3 if name.startswith("stylegan2") else 0.0)
    expected = draw(network, z, y, full(2), noise, **extra_inputs)
    found = draw(network.to(getattr(torch, kind)), z, y, full(2), noise, **extra_inputs)
    assert apart(found, expected) < HALF[kind][name.split("-")[0]]


def test_it_can_be_trained(name: str) -> None:
    network = build(name).double().requires_grad_(True)
    z, y, noise = (value.double() for value in inputs(network, batch=1))
    network(z, y, full(1).double(), noise).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


@pytest.mark.parametrize("name", ["stylegan2-small-classes", "stylegan3-small-t"], indirect=True)
def test_openvino_draws_what_torch_draws(network: Any) -> None:
    openvino = pytest.importorskip("openvino")

    class Positional(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, z: Any, y: Any, truncation: Any, noise: Any, *extra_inputs: Any) -> Any:
            return network(z, y, truncation, noise, dict(zip(network.extra_inputs, extra_inputs, strict=True)))

    z, y, noise = inputs(network)
    args = (z, y, full(2, 0.7), noise + 0.5, *live_inputs(network, 2, 0.3).values())
    traced = torch.jit.trace(Positional(), args, check_trace=False)
    model = openvino.convert_model(traced, example_input=args, input=[tuple(a.shape) for a in args])
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    assert apart(compiled([a.numpy() for a in args])[0], Positional()(*args).numpy()) < 1e-4
