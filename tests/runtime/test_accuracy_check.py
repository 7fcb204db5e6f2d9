"""What a faster form of a network must prove, and that small and broken differences are told apart."""

import numpy as np
import pytest

from engine.runtime.accuracy_check import MAX_LIMIT, check, fresh, keep, proofs
from engine.runtime.input_packing import ALIGNMENT, Packing, fill, least
from engine.runtime.picture_network import load_network, variants
from engine.runtime.reference_outputs import drawn


@pytest.fixture
def picture():
    made = np.random.default_rng(0).integers(20, 236, (1, 32, 32, 4), dtype=np.uint8)
    made[..., 3] = 255
    return made


def test_rounding_passes(picture) -> None:
    other = picture.copy()
    other[..., :3] += np.random.default_rng(1).integers(0, 2, (1, 32, 32, 3), dtype=np.uint8)
    assert check(picture, other, "it")["max"] == 1.0


def broken(picture):
    shifted = np.roll(picture, 1, 2)
    dark = picture.copy()
    dark[..., :3] = 0
    one = picture.copy()
    one[0, 0, 0, 0] += 1 + int(MAX_LIMIT)
    return {"shifted": shifted, "dark": dark, "one pixel": one, "channels": picture[..., [2, 1, 0, 3]]}


@pytest.mark.parametrize("kind", ["shifted", "dark", "one pixel", "channels"])
def test_what_is_broken_does_not(picture, kind) -> None:
    with pytest.raises(RuntimeError, match="expected it to differ from float32 by at most median 1, mean 1, max 32 of 255; got"):
        check(picture, broken(picture)[kind], "it")


def test_holes_and_other_sizes_are_named(picture) -> None:
    other = picture.copy()
    other[0, 3, 4, 3] = 254
    with pytest.raises(RuntimeError, match="opaque pictures; got 1 pixels not"):
        check(picture, other, "it")
    with pytest.raises(RuntimeError, match=r"pictures of \(1, 32, 32, 4\); got \(1, 16, 32, 4\)"):
        check(picture, picture[:, :16], "it")


def test_a_proof_is_read_as_it_was_written(card, tmp_path) -> None:
    made = drawn(card)
    assert len(made) == len(variants(load_network(card)))
    keep(tmp_path / "proof.npz", made)
    for (state, expected), (other, found) in zip(made, proofs(tmp_path / "proof.npz"), strict=True):
        assert check(expected, found, "it")["max"] == 0.0
        assert (other.z == state.z).all()
        assert other.truncation == state.truncation


def test_no_two_proofs_are_alike(card) -> None:
    one, other = (fresh(card.info("x"), (), 1)[0] for _ in range(2))
    assert (one.z != other.z).any()
    assert abs(one.y.sum() - 1) < 1e-5


def test_inputs_lie_side_by_side_where_libraries_take_them() -> None:
    packing = Packing({"z": (2, 5), "noise": (2, 3, 8, 8), "bend": (2, 1)})
    block = np.zeros(packing.size, np.uint8)
    views = packing.views(block)
    assert {name: view.shape for name, view in views.items()} == packing.shapes
    assert all(offset % ALIGNMENT == 0 for offset in packing.offsets.values())
    for index, view in enumerate(views.values()):
        view[...] = index + 1
    assert [int(view.sum()) for view in views.values()] == [10, 2 * 2 * 3 * 64, 6]  # nothing overlaps


def test_every_picture_of_a_batch_gets_its_own_state_and_the_least_program_draws_it(card) -> None:
    info = card.info("x")
    states = fresh(info, (), 3)
    views = Packing.of(info, (), 3).views(np.zeros(Packing.of(info, (), 3).size, np.uint8))
    fill(views, states)
    for row, state in enumerate(states):
        assert (views["z"][row] == state.z).all()
        assert views["noise"][row].shape == info.noise_shape
        assert views["truncation"][row, 0] == np.float32(state.truncation)

    class Program:
        def __init__(self, *names: str) -> None:
            self.names = frozenset(names)

    plain, whole = Program("spread"), Program("spread", "bend")
    rest = {"spread": np.ones(3, np.float32), "bend": np.zeros(3, np.float32)}
    moved = {**rest, "bend": np.ones(3, np.float32)}

    def with_live(extra_inputs):
        state = states[0]
        return type(state)(state.z, state.y, state.truncation, state.noise, extra_inputs)

    assert least([plain, whole], [with_live(rest)]) is plain
    assert least([plain, whole], [with_live(rest), with_live(moved)]) is whole
