"""Training on a few drawn pictures: both recipes learn, a killed run goes on to the very same weights, and the model loads."""

import hashlib
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
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")
from safetensors.torch import load_file  # noqa: E402

from engine.core.registry import lookup, names  # noqa: E402
from engine.runtime.card import load_card  # noqa: E402
from engine.runtime.picture_network import load_network, resting  # noqa: E402
from engine.studio import card_file, picture_distance  # noqa: E402
from engine.studio.dataset.dataset import Dataset  # noqa: E402
from engine.studio.training import checkpoint  # noqa: E402
from engine.studio.training.augment import Ada, DiffAugment, augment  # noqa: E402
from engine.studio.training.parallel import World, join  # noqa: E402
from engine.studio.training.pictures import Cut, Pictures  # noqa: E402
from engine.studio.training.run_config import read_preset  # noqa: E402
from engine.studio.training.run_options import Every, Plan  # noqa: E402
from engine.studio.training.trainer import Run, train  # noqa: E402

TINY = {
    "light": """
[config]
cells = 4
slots = 4
picks = 3
channels = 8
widths = [8, 8, 8]
blocks = [1, 1, 1]
[recipe]
batch = 4
""",
    "stylegan2": """
[config]
z_dim = 16
w_dim = 16
resolution = 16
channel_base = 256
channel_max = 16
[recipe]
batch = 4
""",
}
COMMAND = "from engine.commands.train import command; command()"
RECIPES = tuple(TINY)


def drawn(folder: Path, classes: tuple[str, ...] = ("disc", "bar"), size: tuple[int, int] = (40, 32), each: int = 5) -> Path:
    """A dataset of drawn figures."""
    rng, rows = np.random.default_rng(1), []
    for name in classes:
        (folder / "pictures" / name).mkdir(parents=True)
        for k in range(each):
            picture = Image.new("RGB", size, tuple(rng.integers(0, 80, 3).tolist()))
            x, y = rng.integers(2, 16, 2).tolist()
            pen, colour = ImageDraw.Draw(picture), tuple(rng.integers(120, 255, 3).tolist())
            if name == "disc":
                pen.ellipse((x, y, x + 14, y + 14), fill=colour)
            else:
                pen.rectangle((x, y, x + 18, y + 5), fill=colour)
            file = folder / "pictures" / name / f"{k}.png"
            picture.save(file)
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            split, licence = ("held" if k == each - 1 else "train"), ("CC0-1.0" if k else "CC-BY-4.0")
            row = {"file": f"pictures/{name}/{k}.png", "class": name, "split": split, "source": f"figure {k}", "licence": licence}
            rows.append(row | {"sha256": digest, "author": "a draughtsman"})
    listing = {"width": size[0], "height": size[1], "classes": classes, "pictures": rows}
    (folder / "dataset.json").write_text(json.dumps(listing))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, and the tiny sizes of both recipes."""
    folder = tmp_path_factory.mktemp("shelf")
    drawn(folder / "figures")
    for recipe, text in TINY.items():
        (folder / f"{recipe}.toml").write_text(text)
    return folder


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


def test_checkpoints_keep_the_last_two_and_refuse_what_is_not_whole(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, step, {"step": step})
    assert [path.name[:8] for path in checkpoint.found(tmp_path)] == ["00000003", "00000002"]
    for path in checkpoint.found(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="expected a whole checkpoint"):
        checkpoint.newest(tmp_path)
    assert checkpoint.newest(tmp_path / "none") == (None, [])


class _Canary:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    checkpoint.save(tmp_path / "checkpoints", 1, {"step": _Canary(canary)})
    with pytest.raises(ValueError, match="expected a whole checkpoint"):
        checkpoint.newest(tmp_path / "checkpoints")
    assert not canary.exists()


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


SHARED = """
import sys
from engine.studio.training.parallel import join
from engine.studio.training.trainer import Run
from engine.studio.training.run_options import Plan, Every
from pathlib import Path
shelf, out = Path(sys.argv[1]), Path(sys.argv[2])
world = join("cpu")
run = Run(Plan(shelf / "figures", out, "stylegan2", config=shelf / "stylegan2.toml", steps=3, threads=1, look_every=0), world)
run.go()
for name in ("generator", "critic", "average"):
    total = sum(p.double().sum() for p in run.recipe.parts()[name].parameters()).detach()
    assert world.mean(total) == total, name
(out / f"rank-{world.rank}").touch()
world.close()
"""


def test_torchrun_shares_the_batch_and_all_have_the_same_weights(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(SHARED)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*line, str(tmp_path / "shared.py"), str(shelf), str(tmp_path / "run")],
        capture_output=True, text=True, timeout=200, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "run").glob("rank-*")} == {"rank-0", "rank-1"}
    assert card_file.read(tmp_path / "run" / "model")["training"]["crops"] == 12  # of both processes
    load_network(load_card(tmp_path / "run" / "model"))


def test_ranks_see_different_pictures_and_the_same_step_the_same(shelf: Path) -> None:
    cut, data = Cut(24, 32, 16), Dataset(shelf / "figures")
    worlds = [World(rank, 2, torch.device("cpu"), None) for rank in (0, 1)]
    readers = [Pictures(data, cut, 8, 5, world) for world in (*worlds, worlds[0])]
    first, second, again = (reader.batch(0)[0] for reader in readers)
    assert first.shape == (4, 3, 16, 16)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    readers[2].batch(9)  # out of order
    assert torch.equal(readers[2].batch(1)[0], readers[0].batch(1)[0])
    held = {i for i, picture in enumerate(data.pictures) if picture.split == "held"}
    assert held
    assert not held & set(readers[0].indices.tolist())
    for reader in readers:
        reader.close()


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


def test_distance_tells_sets_of_features_apart() -> None:
    rng = np.random.default_rng(2)
    one, two, other = rng.random((60, 8)), rng.random((60, 8)), rng.random((60, 8)) + 0.3
    assert abs(picture_distance.kernel_distance(one, two)) < 0.2 * picture_distance.kernel_distance(one, other)


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
