"""Every architecture as ONNX: what onnxruntime draws of it, by rest and movement, batch and precision; every knob is an input."""

import sys

import numpy as np
import pytest

pytest.importorskip("torch")
import onnx
import torch
from graphs import BATCH, LET_BE, MODELS, card, drawn, inputs, run, written

from engine.runtime.compile import onnx_export as exporting
from engine.runtime.compile.onnx_export import export
from engine.runtime.picture_network import halve, load_network, variants

# In levels of 255. Float32 in another order of sums moves what lies between two levels. Half has eleven bits, so each of some
# ten layers adds an error of 1/2048 of the largest values: a fraction of a level in most pixels, two or three in a few.
FLOAT_MAX, HALF_MAX, HALF_MEAN = 1, 4, 0.25


def difference(name: str, half: bool, seed: int, moved: float) -> np.ndarray:
    given = inputs(name, BATCH[half], seed, moved)
    return np.abs(run(written(name, half), given).astype(int) - drawn(name, given))


@pytest.mark.parametrize("moved", [0.0, 0.3], ids=["at rest", "moved"])
@pytest.mark.parametrize("name", MODELS)
def test_float32_draws_the_same_picture(name: str, moved: float) -> None:
    assert max(difference(name, False, seed, moved).max() for seed in range(3)) <= FLOAT_MAX


@pytest.mark.parametrize("moved", [0.0, 0.3], ids=["at rest", "moved"])
@pytest.mark.parametrize("name", MODELS)
def test_half_precision_and_a_batch_draw_nearly_the_same_pictures(name: str, moved: float) -> None:
    found = np.stack([difference(name, True, seed, moved) for seed in range(3)])
    assert found.max() <= HALF_MAX
    assert found.mean() <= HALF_MEAN


@pytest.mark.parametrize("name", MODELS)
def test_every_knob_is_an_input_and_moves_its_own_screen_alone(name: str) -> None:
    file, given = written(name, True), inputs(name, 2, 5, 0.3)
    before = run(file, given)
    assert before[..., :3].std() > 2  # there is something on it
    other = inputs(name, 2, 6, 0.3)
    for knob in given.keys() - LET_BE.get(name, set()):
        value = given[knob].copy()
        value[1] = other[knob][1]
        moved = {**given, knob: value}
        after = run(file, moved)
        assert (after[1] != before[1]).mean() > 0.01, knob
        assert (after[0] == before[0]).all(), knob
        assert np.abs(after.astype(int) - drawn(name, moved)).max() <= HALF_MAX, knob


@pytest.mark.parametrize("name", MODELS)
def test_inputs_and_output_are_as_the_card_says(name: str) -> None:
    model = card(name)
    graph = onnx.load(written(name, True)).graph
    found = {port.name: _port(port) for port in (*graph.input, *graph.output)}
    shapes = {
        "z": (model.z_size,),
        "y": (len(model.classes),),
        "truncation": (1,),
        "noise": model.noise_shape,
        **model.extra_inputs,
    }
    expected = {key: (onnx.TensorProto.FLOAT, (2, *shape)) for key, shape in shapes.items()}
    assert found == {**expected, "picture": (onnx.TensorProto.UINT8, (2, *model.resolution[::-1], 4))}


def test_a_graph_without_what_costs_time_draws_what_rests(tmp_path) -> None:
    model = card("stylegan2")
    names = variants(load_network(model))[0]
    assert "bend" not in names
    export(model, tmp_path / "plain.onnx", half=False, names=names)
    given = inputs("stylegan2", 1, 7, 0.3)
    given["bend"][:] = 0
    plain = run(tmp_path / "plain.onnx", {key: value for key, value in given.items() if key != "bend"})
    assert np.abs(plain.astype(int) - drawn("stylegan2", given)).max() <= FLOAT_MAX


def test_large_weights_lie_beside_the_graph(tmp_path, monkeypatch) -> None:
    file = tmp_path / "large.onnx"
    monkeypatch.setattr(exporting, "LARGE", 0)
    export(card("biggan_deep"), file, half=False, names=("bend",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.onnx", "large.onnx.data"]
    given = inputs("biggan_deep", 1, 8, 0.3)
    assert np.abs(run(file, given).astype(int) - drawn("biggan_deep", given)).max() <= FLOAT_MAX


def test_half_leaves_what_must_stay_float32() -> None:
    network = halve(load_network(card("stylegan2")), torch.float32)
    kinds = {name: tensor.dtype for name, tensor in (*network.named_parameters(), *network.named_buffers())}
    stays = ("mapping.", ".affine.", "noise_strength", ".fir", ".rank", ".places")
    for name, kind in kinds.items():
        if kind.is_floating_point:
            assert (kind == torch.float32) == any(part in name for part in stays), name
    light = halve(load_network(card("light")))
    assert {light.keys.dtype, light.window.dtype, light.bends.dtype, light.decoder.blur.dtype} == {torch.float32}
    assert {parameter.dtype for parameter in light.decoder.parameters()} == {torch.float16}


def test_an_input_that_the_model_has_not_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="expected live inputs of biggan_deep, of bend; got camera"):
        export(card("biggan_deep"), tmp_path / "no.onnx", half=True, names=("camera",))
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"some are not installed: .* -m pip install .*\[export\]"):
        export(card("biggan_deep"), tmp_path / "no.onnx", half=True, names=())


def _port(port: onnx.ValueInfoProto) -> tuple[int, tuple[int, ...]]:
    kind = port.type.tensor_type
    return kind.elem_type, tuple(axis.dim_value for axis in kind.shape.dim)
