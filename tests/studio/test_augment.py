"""How pictures are changed before the critic sees them."""

import pytest

torch = pytest.importorskip("torch")

from engine.studio.training.augment import Ada, DiffAugment, augment  # noqa: E402
from engine.studio.training.parallel import World  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", ["diffaugment", "ada"])
def test_augmentations_pass_gradients_and_follow_the_seed(name: str) -> None:
    change, pictures = augment(name), torch.rand(6, 3, 16, 16, requires_grad=True)
    if isinstance(change, Ada):
        change.p.fill_(0.8)
    torch.manual_seed(3)
    first = change(pictures)
    torch.manual_seed(3)
    assert torch.equal(change(pictures), first)
    torch.manual_seed(4)
    assert not torch.equal(change(pictures), first)
    (slope,) = torch.autograd.grad(first.square().sum(), pictures)
    assert torch.isfinite(slope).all()
    assert (slope.abs().amax((1, 2, 3)) > 0).all()
    assert first.shape == pictures.shape


def test_diffaugment_cuts_out_a_quarter_at_most_and_shifts_by_whole_pixels() -> None:
    from engine.studio.training.augment import cutout, translated

    torch.manual_seed(0)
    holes = (cutout(torch.ones(64, 1, 16, 16)) == 0).float().mean((1, 2, 3))
    assert holes.max() == 0.25
    assert holes.min() >= 0.0625 - 1e-6  # a corner of it is always inside
    x = torch.arange(256.0).view(1, 1, 16, 16).expand(32, 1, -1, -1) + 1
    moved = translated(x)
    middles = {float(value) for value in moved[:, 0, 8, 8]}
    assert middles <= {float(16 * row + column + 1) for row in range(6, 11) for column in range(6, 11)}
    assert len(middles) > 10
    assert isinstance(augment("diffaugment"), DiffAugment)


def test_ada_is_off_at_first_and_rises_while_the_critic_is_sure() -> None:
    change, world = Ada(), World(0, 1, torch.device("cpu"), None)
    pictures = torch.rand(4, 3, 16, 16)
    assert (change(pictures) - pictures).abs().max() < 1e-4
    for step in range(8):
        change.heard(torch.ones(4), 1000, step, world)
    assert float(change.p) == pytest.approx(8000 / 500e3)
    for step in range(4):
        change.heard(-torch.ones(4), 1000, step, world)
    assert float(change.p) == pytest.approx(4000 / 500e3)
