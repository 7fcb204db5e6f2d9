"""Sheets of the bundled model and of a random StyleGAN2: what is on them, and where."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from click.testing import CliRunner
from PIL import Image
from tiny import stylegan2

from engine.commands.sheet import command
from engine.core.network import Network
from engine.core.resources import find
from engine.studio import sheets
from engine.studio.class_names import class_indices
from engine.studio.dataset.dataset import Dataset
from engine.studio.drawing import frames, latents, loop, open_model, walk, weights
from engine.studio.neighbours import neighbours, training_views


@pytest.fixture(scope="module")
def light() -> tuple[Network, tuple[str, ...]]:
    return open_model(find("models", "light"))


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stylegan2(tmp_path_factory.mktemp("sheets") / "style")


def test_equal_seeds_draw_equal_frames_and_others_do_not(light: tuple[Network, tuple[str, ...]]) -> None:
    network, _ = light
    one, again, other = (frames(network, latents(network, 1, seed), weights(network, {0: 1.0}, 1)) for seed in (1, 1, 2))
    assert one.shape == (1, *reversed(network.resolution), 3)
    assert np.array_equal(one, again)
    assert np.abs(one.astype(int) - other).mean() > 3


def test_a_walk_turns_evenly_and_a_loop_comes_back(light: tuple[Network, tuple[str, ...]]) -> None:
    network, _ = light
    z = walk(network, 50, 3).astype(float)
    steps = np.linalg.norm(np.diff(z, axis=0), axis=1)
    assert steps.max() < 2 * steps.min()
    for waves in (1, 3):
        closed = loop(network, 60, 3, waves)
        steps = np.linalg.norm(np.diff(closed, axis=0, append=closed[:1]), axis=1)
        assert steps[-1] < 1.5 * np.median(steps)  # from the last to the first as from any to the next
        assert 0.6 < closed.std() < 1.4  # z ~ N(0,1), or the network draws what it never learned


def test_a_tile_has_labels_before_rows_and_keeps_the_frames_shape() -> None:
    white = np.full((3, 20, 40, 3), 255, np.uint8)
    bare, labelled = sheets.tile([white, white], 20), sheets.tile([white, white], 20, ("one", "two"))
    assert bare.size == (3 * 22, 2 * 12)
    assert labelled.height == bare.height
    margin = labelled.width - bare.width
    assert margin > 20
    assert np.asarray(labelled)[:, : margin - 1].max() > 100  # letters
    assert np.array_equal(np.asarray(labelled)[:, margin:], np.asarray(bare))


def test_samples_have_a_row_a_class_and_mixes_end_in_both_classes(light: tuple[Network, tuple[str, ...]]) -> None:
    network, _ = light
    rows = sheets.samples(network, [0, 7], 2)
    assert [row.shape[0] for row in rows] == [2, 2]
    assert np.abs(rows[0].astype(int) - rows[1]).mean() > 3
    mixed = sheets.mixes(network, [(0, 7)], steps=3, seed=5)[0]
    z = latents(network, 1, 5)
    assert np.array_equal(mixed[0], frames(network, z, weights(network, {0: 1.0}, 1))[0])
    assert np.array_equal(mixed[2], frames(network, z, weights(network, {7: 1.0}, 1))[0])


def test_a_grid_of_styles_has_each_latents_own_picture_at_its_head(style: Path) -> None:
    network, _ = open_model(style)
    none, all_ = (sheets.styles(network, np.full(3, share, np.float32), count=2) for share in (0, 1))
    assert [row.shape[0] for row in none] == [3, 3, 3]
    for row in none[1:]:
        assert np.abs(row[1:].astype(int) - row[0]).max() <= 1  # nothing taken: the row's own
    for row in all_[1:]:
        assert np.abs(row[1:].astype(int) - all_[0][1:]).max() <= 1  # everything taken: the column's own
    coarse = sheets.styles(network, np.array([1, 0, 0], np.float32), count=2)
    assert np.abs(coarse[1][1].astype(int) - coarse[1][0]).max() > 1
    assert np.abs(coarse[1][1].astype(int) - coarse[0][1]).max() > 1


def test_a_picture_that_was_trained_on_is_found_as_the_nearest(style: Path, tmp_path: Path) -> None:
    network, _ = open_model(style)
    own = sheets.samples(network, [0], 1, seed=400)[0][0]
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 255, (32, 48, 3)).astype(np.uint8) for _ in range(4)]
    pictures[2][:, 16:] = own
    write_dataset(tmp_path, pictures)
    views, owners = training_views(tmp_path)
    assert views.shape == (12, 32, 32, 3)
    row = neighbours(network, [0], views, owners, lambda x: x.reshape(len(x), -1).astype(float), count=1)[0]
    assert len(row) == 4
    assert np.array_equal(row[0], own)
    assert np.array_equal(row[1], own)
    assert not np.array_equal(row[2], own)


def write_dataset(folder: Path, pictures: list[np.ndarray]) -> None:
    import hashlib
    import json

    (folder / "pictures" / "a").mkdir(parents=True)
    entries = []
    for number, picture in enumerate(pictures):
        file = folder / "pictures" / "a" / f"{number}.png"
        Image.fromarray(picture).save(file)
        entry = {"file": f"pictures/a/{number}.png", "class": "a", "split": "train", "source": str(number), "licence": "CC0-1.0"}
        entries.append(entry | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
    height, width = pictures[0].shape[:2]
    (folder / "dataset.json").write_text(json.dumps({"width": width, "height": height, "classes": ["a"], "pictures": entries}))
    Dataset(folder).verify()


def test_the_command_draws_what_it_says(style: Path, tmp_path: Path) -> None:
    for kind, options in (("samples", []), ("classes", []), ("styles", ["--count", "2"])):
        file = tmp_path / f"{kind}.png"
        result = CliRunner().invoke(command, [str(style), "-o", str(file), "--kind", kind, *options], catch_exceptions=False)
        assert result.output == f"{file}  {'x'.join(map(str, Image.open(file).size))}\n"
    light = CliRunner().invoke(command, ["light", "-o", str(tmp_path / "l.webp"), "--classes", "sea, lava", "--count", "1"])
    assert light.exit_code == 0
    assert Image.open(tmp_path / "l.webp").height == 2 * 146


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["light", "--kind", "styles"], "expected an architecture that mixes styles"),
        (["light", "--kind", "neighbours"], "expected --data"),
        (["light", "--kind", "mix", "--classes", "sea"], "at least two classes to mix; got sea"),
        (["light", "--classes", "see"], "expected a class of the model .*, as .*sea.*; got 'see'"),
        (["light", "-o", "a.bmp"], "expected a sheet ending in .png, .webp, .jpg; got a.bmp"),
        (["nowhere"], "expected one of .*light.* in models; got 'nowhere'"),
        (["no/where"], "expected a folder with a model.toml, or a model's name; got 'no/where'"),
    ],
)
def test_mistakes_are_told_in_one_line(options: list[str], message: str, tmp_path: Path) -> None:
    if "-o" not in options:
        options = [*options, "-o", str(tmp_path / "sheet.png")]
    with pytest.raises((ValueError, OSError), match=message):
        CliRunner().invoke(command, options, catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_classes_are_chosen_by_name_or_spread(tmp_path: Path) -> None:
    names = ("tench, Tinca tinca", "Sea", "sky")
    assert class_indices(names, "tench, Tinca tinca", 2) == (0,)
    assert class_indices(names, "sky,sea", 2) == (2, 1)
    assert class_indices(names, "", 12) == (0, 1, 2)
    assert class_indices(range(1000), "", 3) == (0, 500, 999)  # type: ignore[arg-type]
