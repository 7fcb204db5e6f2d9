"""TensorRT for RTX, without a card: networks parsed, looked into, checked, and built for cards that are elsewhere."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

if (sys.platform, platform.machine()) != ("linux", "x86_64"):
    pytest.skip("the packages of TensorRT for RTX that the tests use are for Linux on x86-64", allow_module_level=True)
pytest.importorskip("torch")
import onnx
from graphs import BATCH, BUNDLED, MODELS, card, inputs, written

from engine.core.extras import install_command
from engine.runtime import tensorrt_api
from engine.runtime.compile import onnx_export as exporting
from engine.runtime.compile.onnx_export import export
from engine.runtime.compile.tensorrt_plan import PlanError, build, check, inspect
from engine.runtime.input_packing import Packing
from engine.runtime.nvidia import cards

CARDS = ((8, 6), (8, 9), (12, 0))
API = tensorrt_api.load("tensorrt-rtx")  # not installed, it is an error: `make test` installs it


def asked(name: str, half: bool) -> tuple[dict[str, tuple[int, ...]], tuple[int, ...], bool]:
    """Inputs, picture and precision that a graph here was asked for."""
    model = card(name)
    shapes = Packing.of(model.info("torch"), tuple(model.extra_inputs), BATCH[half]).shapes
    return shapes, (BATCH[half], *model.resolution[::-1], 4), half


@pytest.mark.parametrize("name", MODELS)
def test_every_architecture_builds_in_half_precision_for_cards_elsewhere(name: str) -> None:
    graph, said = inspect(API, written(name, True)), []
    check(graph, *asked(name, True))
    plan = build(API, written(name, True), CARDS, said.append)
    assert len(plan) > 10_000
    assert all(knob.encode() in plan for knob in inputs(name, 2, 0, 0.0))
    assert said
    assert all(words.startswith("building: ") for words in said)
    assert API.complaints() == ""


@pytest.mark.parametrize("name", MODELS)
def test_half_is_half_and_what_must_be_exact_is_float32(name: str) -> None:
    work = inspect(API, written(name, True)).work
    drawn = [each for each in work if each.kind != "matrix product"]
    assert {each.dtype for each in drawn if each.maps > 3} == {"float16"}
    assert {each.maps for each in drawn if each.dtype == "float32"} <= {1}
    products = {each.dtype for each in work if each.kind == "matrix product"}
    assert products == ({"float32", "float16"} if "stylegan3" not in name and name != BUNDLED else {"float32"})


@pytest.mark.parametrize("name", [BUNDLED, "biggan_deep"])
def test_float32_is_float32_throughout(name: str) -> None:
    graph = inspect(API, written(name, False))
    check(graph, *asked(name, False))
    assert {work.dtype for work in graph.work} == {"float32"}
    assert build(API, written(name, False), CARDS[:1], print)


def test_tensorrt_itself_gets_its_filters_in_float32(tmp_path: Path) -> None:
    model, file = card("stylegan2"), tmp_path / "network.onnx"
    export(model, file, half=True, names=(), half_filters=False)
    graph = inspect(API, file)
    check(graph, Packing.of(model.info("torch"), ()).shapes, (1, 16, 16, 4), True)
    filters = [work for work in graph.work if work.kind != "matrix product" and work.maps == 1]
    assert filters
    assert {work.dtype for work in filters} == {"float32"}
    assert build(API, file, CARDS[:1], print)


def test_a_network_that_is_not_what_was_asked_for_is_refused() -> None:
    graph = inspect(API, written("biggan_deep", False))
    shapes, picture, _ = asked("biggan_deep", False)
    with pytest.raises(PlanError, match=r"expected all convolutions in float16; got \d+ in others: node_\w+ in float32, node"):
        check(graph, shapes, picture, True)
    with pytest.raises(PlanError, match="expected all convolutions in float32; got"):
        check(inspect(API, written("biggan_deep", True)), *asked("biggan_deep", True)[:2], False)
    with pytest.raises(PlanError, match=r"expected the inputs .*'more'.*; got"):
        check(graph, {**shapes, "more": (1,)}, picture, False)
    with pytest.raises(PlanError, match=r"expected one picture of \(1, 8, 8, 4\), uint8; got \[\(\(1, 16, 16, 4\), 'uint8'\)\]"):
        check(graph, shapes, (1, 8, 8, 4), False)


def test_cards_that_it_does_not_know_are_refused_and_the_known_named() -> None:
    with pytest.raises(ValueError, match=r"expected cards that tensorrt-rtx .* is made for, 7.5, 8.0, 8.6, .*; got 8.6, 9.0"):
        build(API, written(BUNDLED, True), ((8, 6), (9, 0)), print)


def test_without_a_card_a_plan_for_this_machine_is_refused() -> None:
    if cards():
        pytest.skip("there is a card")
    with pytest.raises(PlanError, match=r"expected tensorrt-rtx .* to build light-True.onnx; got .*CUDA driver"):
        build(API, written(BUNDLED, True), (), print)


def test_files_that_are_no_networks_are_refused(tmp_path: Path) -> None:
    whole = written("biggan_deep", True).read_bytes()
    strange = onnx.helper.make_node("Divine", ["x"], ["y"], name="oracle")
    ports = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1,)) for name in "xy"]
    foreign = onnx.helper.make_model(onnx.helper.make_graph([strange], "g", ports[:1], ports[1:]))
    for name, content in {"cut": whole[:-5000], "junk": b"x" * 300, "empty": b"", "foreign": foreign.SerializeToString()}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PlanError, match=rf"expected a network that tensorrt-rtx .* knows in .*{name}; got"):
            inspect(API, tmp_path / name)
    with pytest.raises(PlanError, match="oracle: "):
        inspect(API, tmp_path / "foreign")
    with pytest.raises(PlanError, match="expected a network"):
        inspect(API, tmp_path / "nothing")


def test_weights_beside_a_graph_are_found_and_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.onnx"
    monkeypatch.setattr(exporting, "LARGE", 0)
    export(card("biggan_deep"), file, half=True, names=())
    assert build(API, file, CARDS[:1], print)
    (tmp_path / "large.onnx.data").unlink()
    with pytest.raises(PlanError, match="expected a network"):
        inspect(API, file)


def test_a_product_that_is_unknown_or_missing_is_told_in_one_line() -> None:
    with pytest.raises(ValueError, match="expected a product, one of tensorrt, tensorrt-rtx; got 'onnx'"):
        tensorrt_api.load("onnx")
    code = """
import importlib.util, sys
from engine.runtime import tensorrt_api
find = importlib.util.find_spec
for product, module in (("tensorrt", "tensorrt"), ("tensorrt-rtx", tensorrt_api.BUNDLE)):
    importlib.util.find_spec = lambda name: None if name == module else find(name)
    try:
        tensorrt_api.load(product)
    except RuntimeError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"expected tensorrt, which is not installed: {install_command('tensorrt')}",
        f"expected tensorrt-rtx to load; got no package {tensorrt_api.BUNDLE}, which holds its libraries: "
        f"{install_command('rtx')}",
    ]


def test_it_loads_without_torch_and_onnxruntime() -> None:
    code = """
import sys
from engine.runtime.compile import tensorrt_plan
from engine.runtime import tensorrt_api
tensorrt_api.load("tensorrt-rtx")
print(sorted({"torch", "onnx", "onnxruntime", tensorrt_api.BUNDLE} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
