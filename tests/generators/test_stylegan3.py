"""StyleGAN3 by itself: the view, its filters, its layers."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stylegan import draw, full  # noqa: E402

from engine.generators.layers.alias_free import bessel_j1, lowpass  # noqa: E402
from engine.generators.stylegan3 import StyleGAN3, bands  # noqa: E402
from tools.parity import CASES, FULL, build, inputs  # noqa: E402

T, R = "stylegan3-small-t", "stylegan3-small-r"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=[T, R])
def network(request: Any) -> Any:
    return build(request.param)


def test_the_view_moves_and_turns_the_input_plane_as_it_says(network: Any) -> None:
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


def test_the_picture_follows_the_view(network: Any) -> None:
    """What the architecture is for: away from its edges, the whole picture moves."""
    z, y, noise = inputs(network, batch=1)
    rest, moved = (draw(network, z, y, full(1), noise, view=torch.tensor([[x / 32, 0.0, 0.0, 0.0]])) for x in (0.0, 4.0))
    before, after = rest[..., 8:24, 8:20], moved[..., 8:24, 12:24]
    assert np.abs(after - before).mean() < 0.1 * np.abs(rest[..., 8:24, 12:24] - before).mean()


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
