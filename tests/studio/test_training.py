"""Training on a few drawn pictures: both recipes learn, a killed run goes on to the very same weights, and the model loads."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import TINY, drawn

torch = pytest.importorskip("torch")
from safetensors.torch import load_file  # noqa: E402

from engine.core.registry import lookup, names  # noqa: E402
from engine.runtime.card import load_card  # noqa: E402
from engine.runtime.picture_network import load_network, resting  # noqa: E402
from engine.studio import card_file  # noqa: E402
from engine.studio.training import checkpoint  # noqa: E402
from engine.studio.training.parallel import join  # noqa: E402
from engine.studio.training.pictures import Pictures  # noqa: E402
from engine.studio.training.run_config import read_preset  # noqa: E402
from engine.studio.training.run_options import Every, Plan  # noqa: E402
from engine.studio.training.trainer import Run, train  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
COMMAND = "from engine.commands.train import command; command()"
RECIPES = tuple(TINY)


@pytest.fixture(scope="module")
def trained(shelf: Path) -> dict[str, Path]:
    """The model of a short run of each recipe, ten steps, which nothing interrupted."""
    models = {}
    for recipe in RECIPES:
        model = train(plan(shelf, shelf / f"{recipe}-whole", recipe, look_every=6))
        assert model is not None
        models[recipe] = model
    return models


def plan(shelf: Path, run: Path, recipe: str, **more: Any) -> Plan:
    changes = {"augment": "ada"} if recipe == "stylegan2" else {}
    given: dict[str, Any] = {"config": shelf / f"{recipe}.toml", "steps": 10, "checkpoint_every": Every(2), "look_every": 0}
    return Plan(shelf / "figures", run, recipe, **({"changes": changes, "threads": 1, "device": "cpu"} | given | more))


def words(shelf: Path, run: Path, recipe: str) -> list[str]:
    """The same plan as a command line."""
    line = [
        str(shelf / "figures"),
        "-o",
        str(run),
        "--recipe",
        recipe,
        "--config",
        str(shelf / f"{recipe}.toml"),
        "--steps",
        "10",
    ]
    line += ["--checkpoint-every", "2", "--look-every", "0", "--threads", "1", "--device", "cpu"]
    return line + (["--augment", "ada"] if recipe == "stylegan2" else [])


def said(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def assert_same(one: Path, two: Path) -> None:
    first, second = load_file(one / "weights.safetensors"), load_file(two / "weights.safetensors")
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


@pytest.mark.parametrize("name", names("recipe"))
def test_a_recipe_has_a_preset_and_an_architecture_that_there_is(name: str) -> None:
    recipe = lookup("recipe", name)
    assert recipe.architecture in names("architecture")
    preset = read_preset(recipe)
    assert preset["config"]
    assert isinstance(preset["recipe"]["batch"], int)


@pytest.mark.parametrize(("recipe", "loss", "falls_to"), [("light", "pixel", 0.95), ("stylegan2", "critic", 0.9)])
def test_losses_stay_finite_and_fall_on_pictures_seen_again(
    shelf: Path, tmp_path: Path, recipe: str, loss: str, falls_to: float
) -> None:
    run = Run(plan(shelf, tmp_path / "run", recipe, changes={}), join("cpu"))
    pictures = Pictures(run.dataset, run.recipe.cut, 4, 0, run.world)
    batch, labels = pictures.batch(0)
    pictures.close()
    losses = []
    for step in range(100, 124):  # the learning rate is whole from step 100 on
        torch.manual_seed(0)
        found = run.recipe.update(batch.float() / 127.5 - 1, labels, step, 0.3)
        assert all(torch.isfinite(value) for value in found.values())
        losses.append(float(found[loss]))
    assert np.mean(losses[-3:]) < falls_to * np.mean(losses[:3])


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_killed_run_goes_on_to_the_same_weights(shelf: Path, trained: dict[str, Path], tmp_path: Path, recipe: str) -> None:
    run = tmp_path / f"{recipe}-whole"
    with subprocess.Popen([sys.executable, "-c", COMMAND, *words(shelf, run, recipe)], stdout=subprocess.DEVNULL) as child:
        limit = time.monotonic() + 100
        while not checkpoint.found(run / "checkpoints") and time.monotonic() < limit and child.poll() is None:
            time.sleep(0.005)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    reached = int(checkpoint.found(run / "checkpoints")[0].name.split("-")[0])
    assert 0 < reached < 10
    model = train(plan(shelf, run, recipe))
    assert model is not None
    assert_same(model, trained[recipe])
    assert card_file.read(model)["training"]["steps"] == 10


def test_a_damaged_checkpoint_falls_back_on_the_one_before(shelf: Path, trained: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "light-whole"
    train(plan(shelf, run, "light", steps=10, minutes=None, checkpoint_every=Every(3)))
    newest, before = checkpoint.found(run / "checkpoints")
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    state, faults = checkpoint.newest(run / "checkpoints")
    assert state is not None
    assert (state["step"], before.name[:8], len(faults)) == (9, "00000009", 1)
    model = train(plan(shelf, run, "light"))
    assert model is not None
    assert str(newest) in next(line["damaged"] for line in said(run) if "damaged" in line)
    assert_same(model, trained["light"])


def test_a_signal_saves_and_ends(shelf: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def stop() -> None:
        while not (run / "log.jsonl").exists():
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    assert train(plan(shelf, run, "light", steps=100_000, checkpoint_every=Every(100_000))) is None
    thread.join()
    stopped = said(run)[-1]["stopped_at"]
    assert [int(path.name[:8]) for path in checkpoint.found(run / "checkpoints")] == [stopped]
    assert not (run / "model").exists()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_model_loads_and_its_card_says_what_it_was_made_of(trained: dict[str, Path], recipe: str) -> None:
    folder = trained[recipe]
    network = load_network(load_card(folder))
    picture = network.float()(*resting(network))
    assert picture.shape == (1, 3, *network.resolution)
    assert torch.isfinite(picture).all()
    card = card_file.read(folder)
    assert (card["classes"], card["licence"]) == (["disc", "bar"], "CC-BY-4.0, CC0-1.0")
    training = card["training"]
    assert (training["steps"], training["crops"], training["pictures"], training["recipe"]) == (10, 40, 8, recipe)
    rows = json.loads((folder / "sources.json").read_text())
    assert {"source": "figure 0", "licence": "CC-BY-4.0", "author": "a draughtsman"} in rows
    assert len(rows) == 4  # not the fifth, which was held out


def test_sheets_walks_and_losses_are_in_tensorboard(trained: dict[str, Path]) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = trained["stylegan2"].parent
    events = accumulator.EventAccumulator(str(run / "tensorboard")).Reload()
    assert {"samples", "walks"} <= set(events.Tags()["images"])
    assert {"critic", "generator", "augment", "pictures_per_s", "minutes"} <= set(events.Tags()["scalars"])
    assert {path.name for path in (run / "sheets").iterdir()} == {
        f"{kind}-{step:08d}.webp" for kind in ("samples", "walks") for step in (6, 10)
    }


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_begins_from_a_model(shelf: Path, trained: dict[str, Path], tmp_path: Path, recipe: str) -> None:
    run = Run(plan(shelf, tmp_path / "run", recipe, begin=trained[recipe], config=None, steps=1), join("cpu"))
    before, now = load_file(trained[recipe] / "weights.safetensors"), run.recipe.files()["weights.safetensors"]
    same = [name for name in before if name.startswith(("decoder.", "synthesis.", "mapping."))]
    assert same
    assert all(torch.equal(before[name], now[name]) for name in same)
    model = run.go()
    assert model is not None
    assert card_file.read(model)["training"]["from"] == f"{recipe}-whole"
    moved = load_file(model / "weights.safetensors")
    assert any(not torch.equal(before[name], moved[name]) for name in same)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_model_goes_on_with_other_classes(shelf: Path, trained: dict[str, Path], tmp_path: Path, recipe: str) -> None:
    (tmp_path / "shelf").mkdir()
    drawn(tmp_path / "shelf" / "figures", ("bar", "plank", "disc"), each=3)
    run = Run(plan(tmp_path / "shelf", tmp_path / "run", recipe, begin=trained[recipe], config=None, steps=1), join("cpu"))
    network = run.recipe.model()
    old = load_network(load_card(trained[recipe]))
    assert (network.classes, run.classes) == (3, ("bar", "plank", "disc"))
    if recipe == "stylegan2":
        z, _, truncation, noise = resting(network)
        now = network(z + 1, torch.eye(3)[2:], truncation, noise)
        assert (now - old.float()(z + 1, torch.eye(2)[:1], truncation, noise)).abs().max() < 1e-3


def test_what_cannot_be_trained_is_said(shelf: Path, trained: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "wide.toml").write_text("[config]\nresolution = 64\n")
    wrong: dict[str, dict[str, Any]] = {
        "at least 64x64": {"config": tmp_path / "wide.toml"},
        "setting of stylegan2": {"changes": {"brightness": 1}},
        "augment to be one of": {"changes": {"augment": "much"}},
        "rate to be like": {"changes": {"rate": "fast"}},
        "model of stylegan2": {"begin": trained["light"]},
        "--recipe stylegan2": {"run": trained["stylegan2"].parent, "recipe": "light", "config": None},
        "another model": {"export": trained["light"]},
        "a recipe, one of": {"recipe": "cubism"},
        "one that was begun before; got": {"run": shelf},
    }
    for words_of_it, change in wrong.items():
        given = {"run": tmp_path / "run", "recipe": "stylegan2"} | change
        run, recipe = given.pop("run"), given.pop("recipe")
        with pytest.raises((ValueError, LookupError), match=words_of_it):
            train(plan(shelf, run, recipe, **given))
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match="got '5h'"):
        Every.parse("5h")
