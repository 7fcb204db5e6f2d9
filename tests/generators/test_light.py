"""Light as bundled: shapes, determinism, the same frame from OpenVINO and from torch, its cost, what it remembers."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import load_file  # noqa: E402

from engine.generators.light import Light  # noqa: E402

FOLDER = Path(__file__).parents[2] / "models" / "light"
CARD: dict[str, Any] = tomllib.loads((FOLDER / "model.toml").read_text())


@pytest.fixture(scope="module")
def light() -> Light:
    model = Light.from_config(CARD["config"])
    model.load_state_dict(load_file(FOLDER / "weights.safetensors"))
    return model.eval()


def inputs(light: Light, seed: int, batch: int = 1, name: str | None = None) -> tuple[Any, ...]:
    """One set of inputs; the class weights are those of `name`, or of all classes alike."""
    rng = np.random.default_rng(seed)
    y = np.full((batch, light.classes), 1 / light.classes, np.float32)
    if name:
        y[:] = np.eye(light.classes, dtype=np.float32)[CARD["classes"].index(name)]
    z = rng.standard_normal((batch, light.z_size)).astype(np.float32)
    noise = rng.standard_normal((batch, *light.noise_shape)).astype(np.float32)
    return tuple(torch.from_numpy(a) for a in (z, y, np.ones((batch, 1), np.float32), noise))


@torch.no_grad()
def draw(light: Light, *args: Any) -> Any:
    return light(*args).numpy()


def test_a_frame_has_the_size_and_range_that_the_card_states(light: Light) -> None:
    frame = draw(light, *inputs(light, 1, batch=2))
    assert frame.shape == (2, 3, *CARD["resolution"])
    assert frame.dtype == np.float32
    assert -1 <= frame.min() < frame.max() <= 1


def test_the_card_states_the_inputs(light: Light) -> None:
    assert (light.z_size, list(light.noise_shape), len(CARD["classes"])) == (CARD["z_size"], CARD["noise_shape"], light.classes)


def test_equal_inputs_give_equal_frames_whatever_the_global_seed(light: Light) -> None:
    args = inputs(light, 2)
    torch.manual_seed(1)
    first = draw(light, *args)
    torch.manual_seed(2)
    assert np.array_equal(first, draw(light, *args))


def test_a_frame_does_not_depend_on_its_batch(light: Light) -> None:
    args = inputs(light, 3, batch=3)
    alone = draw(light, *(a[1:2] for a in args))
    assert np.abs(draw(light, *args)[1:2] - alone).max() < 1e-3


@pytest.mark.parametrize("index", [0, 1, 3])
def test_latent_classes_and_noise_all_move_the_frame(light: Light, index: int) -> None:
    args, other = list(inputs(light, 4)), inputs(light, 5, name="lava")
    before = draw(light, *args)
    args[index] = other[index]
    assert np.abs(draw(light, *args) - before).mean() > 1e-3


def test_truncation_nought_is_one_picture_whatever_the_latent(light: Light) -> None:
    still = torch.zeros(1, 1)
    one, two = inputs(light, 6, name="sea"), inputs(light, 7, name="sea")
    assert np.allclose(draw(light, one[0], one[1], still, one[3]), draw(light, two[0], one[1], still, one[3]), atol=1e-5)


def test_a_small_step_of_the_latent_is_a_small_step_of_the_frame(light: Light) -> None:
    z, y, truncation, noise = inputs(light, 8, name="mountain")
    far = draw(light, inputs(light, 9)[0], y, truncation, noise) - draw(light, z, y, truncation, noise)
    near = draw(light, z + 0.01, y, truncation, noise) - draw(light, z, y, truncation, noise)
    assert np.abs(near).mean() < 0.2 * np.abs(far).mean()


@pytest.mark.parametrize("name", ["mountain", "neon", None])
def test_openvino_draws_what_torch_draws(light: Light, name: str | None) -> None:
    openvino = pytest.importorskip("openvino")
    args = inputs(light, 10, name=name)
    model = openvino.convert_model(light, example_input=args, input=[tuple(a.shape) for a in args])
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(model, "CPU", options)
    frame = compiled([a.numpy() for a in args])[0]
    assert np.abs(frame - draw(light, *args)).max() < 1e-2
    assert np.abs(frame - draw(light, *args)).mean() < 1e-4


def test_a_frame_costs_at_most_a_giga_multiply_add(light: Light) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        draw(light, *inputs(light, 11))
    gmac = counter.get_total_flops() / 2e9
    assert gmac == pytest.approx(CARD["gmac"], abs=0.01)
    assert gmac <= 1.0


def test_weight_files_are_those_of_the_card() -> None:
    for entry in CARD["weights"]:
        assert hashlib.sha256((FOLDER / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_every_remembered_picture_is_public_domain_or_our_own(light: Light) -> None:
    memory = json.loads((FOLDER / "memory.json").read_text())
    assert len(memory) == len(light.memory)
    assert [row["class"] for row in memory] == [name for name in CARD["classes"] for _ in range(light.slots)]
    endless = [row["source"].partition("/")[2] for row in memory if row["package"] == "endless-sky-data"]
    assert endless
    assert not [stem for stem in endless if "-" in stem]  # an author's suffix: CC-BY-SA
    assert {row["licence"] for row in memory} <= {"public domain", "CC0", "public domain; style network MIT"}
    assert {row["split"] for row in memory} == {"train"}
