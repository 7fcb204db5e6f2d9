"""The critic's filter: what PyTorch's convolution gives, and derivatives that cost no more for more maps."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from engine.studio.training.discriminator import Critic  # noqa: E402
from engine.studio.training.lowpass import lowpass  # noqa: E402

torch.set_num_threads(1)
WAYS = [(2, 1), (1, 2)]  # stride and padding, as the critic has them


class Convolutions(TorchDispatchMode):
    """Counts them, whichever way they are differentiated."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += "convolution" in str(func)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("stride", "padding"), WAYS)
def test_it_filters_and_its_first_and_second_derivatives_are_right(stride: int, padding: int) -> None:
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    kernel = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    expected = F.conv2d(x, kernel, stride=stride, padding=padding, groups=2)
    assert torch.equal(lowpass(x, kernel, stride, padding), expected)
    assert torch.autograd.gradcheck(lambda given: lowpass(given, kernel, stride, padding) ** 2, x)
    assert torch.autograd.gradgradcheck(lambda given: lowpass(given, kernel, stride, padding) ** 2, x)


def test_a_gradient_penalty_costs_as_many_convolutions_whatever_the_maps() -> None:
    counts = []
    for maps in (4, 32):
        critic, pictures = Critic(16, 1, 16 * maps, maps), torch.randn(4, 3, 16, 16, requires_grad=True)
        with Convolutions() as seen:
            (slope,) = torch.autograd.grad(critic(pictures, torch.ones(4, 1)).sum(), pictures, create_graph=True)
            slope.square().sum().backward()
        counts.append(seen.count)
    assert counts[0] == counts[1] > 0
