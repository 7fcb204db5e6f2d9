"""/network: what fills a network's live inputs, and named directions as sliders."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.control.tree import ParamTree
from engine.core import resources
from engine.core.params import Leaf, ParamError
from engine.core.registry import names
from engine.core.tick_context import TickContext
from engine.core.types import Directions, FeatureFrame, FloatArray, GeneratorInfo
from engine.latent.network_inputs import NetworkInputs
from engine.runtime.card import load_card

Z, W, LAYERS, ROWS = 6, 8, 4, 3
SHAPES = {
    "spread": (3,),
    "grain": (3,),
    "styles": (Z + 3,),
    "w": (LAYERS * W + 1,),
    "bend": (ROWS, 6),
    "view": (4,),
    "nudge": (W,),
}
SHAPES |= {
    name: shape
    for folder in resources.models()
    for name, shape in load_card(folder, verify=False).extra_inputs.items()
    if name not in SHAPES
}  # of whatever other inputs the models on the shelf declare
ALONG = np.arange(2 * W, dtype=np.float32).reshape(2, W)


def model(directions: Directions | None = None) -> GeneratorInfo:
    return GeneratorInfo("m", "stylegan2", "torch", Z, (2, 2), ("one",), (32, 32), SHAPES, directions)


def step(extra_inputs: NetworkInputs, z: FloatArray | None = None, ticks: int = 1) -> dict[str, FloatArray]:
    context = TickContext(FeatureFrame(0, 0.0, 0.0, {}, {}, ()), dt_s=0.01)
    for _ in range(ticks):
        found = extra_inputs.step(np.zeros(Z, np.float32) if z is None else z, context)
    return found


@pytest.mark.parametrize("name", names("input"))
def test_every_registered_input_rests_at_zeros_of_its_shape(name: str):
    shape = SHAPES.get(name, (1,))
    found = step(NetworkInputs(replace(model(), extra_inputs={**SHAPES, name: shape}), 1))[name]
    assert (found.shape, found.dtype) == (shape, np.float32)
    assert not found.any()


@pytest.mark.parametrize("name", names("input"))
def test_its_parameters_take_it_from_rest_and_back(name: str):
    extra_inputs = NetworkInputs(replace(model(), extra_inputs={**SHAPES, name: SHAPES.get(name, (1,))}), 1)
    part = extra_inputs.inputs[name]
    for leaf in part.leaves.values():
        leaf.set_base(leaf.param.map(0.75) if leaf.param.numeric else (0.5,) * (leaf.param.counts or (W,))[0])
    assert step(extra_inputs)[name].any()
    assert np.isfinite(step(extra_inputs)[name]).all()
    for leaf in part.leaves.values():
        leaf.reset()
    assert not step(extra_inputs)[name].any()


def test_w_is_for_all_layers_or_for_each_and_another_count_is_refused():
    extra_inputs = NetworkInputs(model(), 1)
    given = extra_inputs.inputs["w"].leaves
    given["amount"].set_base(1.0)
    given["value"].set_base(tuple(range(W)))
    assert np.array_equal(step(extra_inputs)["w"][:-1].reshape(LAYERS, W), np.tile(np.arange(W), (LAYERS, 1)))
    given["value"].set_base(tuple(range(LAYERS * W)))
    assert np.allclose(step(extra_inputs, ticks=100)["w"][:-1], np.arange(LAYERS * W), atol=0.05)
    for count in (1, W - 1, W + 1, 2 * W, LAYERS * W + 1):  # 1 and 2 W would divide all of w+
        with pytest.raises(ParamError, match=f"expected vector for value of {W} or {LAYERS * W} numbers; got {count}"):
            given["value"].set_base((1.0,) * count)
        assert np.allclose(step(extra_inputs)["w"][:-1], np.arange(LAYERS * W), atol=0.05)


def test_w_that_is_taken_back_stays_until_its_amount_is_gone():
    extra_inputs = NetworkInputs(model(), 1)
    given = extra_inputs.inputs["w"].leaves
    given["value"].set_base((2.0,) * W)
    for amount in np.linspace(1.0, 0.0, 11):
        given["amount"].set_base(float(amount))
        found = step(extra_inputs)["w"]
        assert np.allclose(found[:-1], 2.0 if amount else 0.0)
        assert found[-1] == pytest.approx(amount)
        given["value"].reset()
    given["amount"].set_base(1.0)
    assert not step(extra_inputs)["w"].any()  # it is no longer there


def test_another_seed_leaves_w_where_a_hand_has_it():
    extra_inputs = NetworkInputs(model(), 1)
    given = extra_inputs.inputs["w"].leaves
    given["amount"].set_base(1.0)
    given["value"].set_base((2.0,) * W)
    step(extra_inputs)
    given["value"].set_base((4.0,) * W)  # and it is under way
    before = step(extra_inputs)["w"]
    extra_inputs.seed(2)
    assert 0.0 < float(np.abs(step(extra_inputs)["w"] - before).max()) < 0.5


def test_bending_speaks_of_one_resolution_in_the_units_of_the_network():
    extra_inputs = NetworkInputs(model(), 1)
    leaves = extra_inputs.inputs["bend"].leaves
    for key, value in {"layer": 1, "x": 0.1, "zoom": 1.0, "angle": 0.25, "gain": -1.0, "share": 0.3}.items():
        leaves[key].set_base(value)
    rows = step(extra_inputs)["bend"]
    assert np.allclose(rows[1], (0.1, 0.0, math.log(2), math.pi / 2, -math.log(2), 0.3))
    assert not rows[[0, 2]].any()
    leaves["layer"].set_base(4)  # beyond what this network has: its last
    assert step(extra_inputs)["bend"][ROWS - 1].any()
    leaves["share"].set_base(0.0)  # nothing would be seen of it, and so it must not cost anything
    assert not step(extra_inputs)["bend"].any()


def test_the_same_seed_gives_the_same_second_latent():
    found = []
    for seed in (1, 1, 2):
        extra_inputs = NetworkInputs(model(), seed)
        extra_inputs.inputs["styles"].leaves["coarse"].set_base(1.0)
        found.append(step(extra_inputs, ticks=3)["styles"])
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_directions_of_w_go_to_the_network_and_those_of_z_to_z():
    for space, size in (("w", W), ("z", Z)):
        extra_inputs = NetworkInputs(model(Directions(space, ("Sun Set", "zoom"), ALONG[:, :size])), 1)
        assert {"direction/sun-set", "direction/zoom"} <= extra_inputs.leaves.keys()
        extra_inputs.leaves["direction/sun-set"].set_base(1.0)
        extra_inputs.leaves["direction/zoom"].set_base(-0.5)
        z = np.ones(Z, np.float32)
        nudge = step(extra_inputs, z)["nudge"]
        along = ALONG[0, :size] - 0.5 * ALONG[1, :size]
        assert np.allclose(nudge, along if space == "w" else 0.0)
        assert np.allclose(z, 1.0 + (along if space == "z" else 0.0))


def test_an_input_that_nothing_fills_is_refused():
    with pytest.raises(ValueError, match="expected live inputs that can be filled; got 'smell'"):
        NetworkInputs(GeneratorInfo("m", "a", "torch", Z, (1,), ("one",), (32, 32), {"smell": (3,)}), 1)


def test_what_hands_set_stays_with_another_model_that_has_it_too():
    old = NetworkInputs(model(), 1)
    ParamTree().attach("network", dict[str, Leaf](old.leaves))
    old.leaves["bend/x"].set_base(0.5)
    new = NetworkInputs(model(), 1, old)
    assert new.leaves["bend/x"] is old.leaves["bend/x"]
    assert step(new)["bend"].any()


def test_w_of_a_hand_is_not_for_a_model_that_takes_another_count_of_numbers():
    old = NetworkInputs(model(), 1)
    old.leaves["w/value"].set_base((0.5,) * W)
    old.leaves["w/amount"].set_base(0.5)
    assert NetworkInputs(model(), 1, old).leaves["w/value"] is old.leaves["w/value"]
    wider = replace(model(), extra_inputs={**SHAPES, "w": (2 * LAYERS * W + 1,), "nudge": (2 * W,)})
    new = NetworkInputs(wider, 1, old)
    assert new.leaves["w/value"].base == ()
    assert new.leaves["w/amount"].base == 0.5
    assert not step(new)["w"].any()
    new.leaves["w/value"].set_base((0.5,) * 2 * W)
    assert step(new)["w"].any()
