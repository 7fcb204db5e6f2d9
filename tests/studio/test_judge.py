import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.studio.dataset.builder import write_listing
from engine.studio.dataset.dataset import Dataset

pytest.importorskip("scipy")  # of the extra "train"

from tools.judge import HeldOut, Judge, views


def blobs(rng: np.random.Generator, tint: np.ndarray) -> Image.Image:
    grey = rng.integers(0, 150, (5, 8, 1))
    return Image.fromarray((grey + tint).astype(np.uint8)).resize((112, 72), Image.Resampling.BICUBIC)


def dataset(folder: Path, tinted: bool) -> Dataset:
    """Pictures of three classes, 3 sources each; `tinted` says whether the class can be seen."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(9):
        path = folder / "pictures" / "abc"[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        blobs(rng, 100 * np.eye(3, dtype=np.int64)[i % 3] * tinted).save(path)
        columns = {"class": "abc"[i % 3], "split": "held", "source": str(i), "licence": "CC0"}
        rows.append({"file": str(path.relative_to(folder)), **columns, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    write_listing(folder, (112, 72), ["a", "b", "c"], rows)
    return Dataset(folder)


def eyes(pictures: np.ndarray) -> list[np.ndarray]:
    """The mean colours of 16 bands: much the same in all views of one source."""
    return [pictures.reshape(len(pictures), 16, 16, 256, 3).mean((2, 3)).reshape(len(pictures), -1) / 255]


def test_cross_validation_says_how_good_the_judge_is(tmp_path: Path) -> None:
    held = HeldOut(dataset(tmp_path, tinted=True), eyes, "abc")
    assert held.cross_validated().mean() > 0.95
    assert (held.judge()(held.seen) == held.labels).mean() > 0.95


def test_cross_validation_does_not_learn_from_views_of_the_same_source(tmp_path: Path) -> None:
    held = HeldOut(dataset(tmp_path, tinted=False), eyes, "abc")  # nobody can tell these classes
    honest = held.cross_validated()
    assert len(honest) == len(held.frames) == 9 * 8
    held.sources = np.arange(len(honest)).astype(str)
    assert honest.mean() < 0.45 < 0.55 < held.cross_validated().mean()


def test_rare_classes_count_as_much_as_common_ones() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 20])
    seen = [rng.normal(size=(320, 6)) + 2.0 * labels[:, None] * np.eye(6)[0]]
    judge = Judge(seen, labels, 2)
    fresh = rng.normal(size=(2000, 6)) + 2.0 * np.repeat([0, 1], 1000)[:, None] * np.eye(6)[0]
    right = judge([fresh]) == np.repeat([0, 1], 1000)
    assert min(right[:1000].mean(), right[1000:].mean()) > 0.7


def test_views_cross_a_wide_picture() -> None:
    picture = np.arange(112, dtype=np.uint8)[None, :, None].repeat(72, 0).repeat(3, 2)
    cut = views(picture, 3)
    assert [view.shape for view in cut] == [(256, 256, 3)] * 3
    assert [int(view[0, 0, 0]) for view in cut] == [0, 23, 46]
