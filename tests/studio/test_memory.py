"""Which pictures Light remembers: as many of each class, spread over it, and those that look like another class left out."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("scipy")  # of the extra "train"

from engine.studio.dataset.builder import write_listing
from engine.studio.dataset.dataset import Dataset
from engine.studio.training.memory import slots

RED, BLUE = (200, 40, 40), (40, 40, 200)


def dataset(folder: Path, colours: dict[str, list[tuple[int, int, int]]], source: str | None = None) -> Dataset:
    """Plain pictures of one colour each; every one has a source of its own unless all are of `source`."""
    rows = []
    for name, listed in colours.items():
        for k, colour in enumerate(listed):
            path = folder / "pictures" / name / f"{k:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (24, 16), colour).save(path)
            columns = {"class": name, "split": "train", "source": source or f"{name} {k}", "licence": "CC0"}
            rows.append(
                {"file": str(path.relative_to(folder)), **columns, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            )
    write_listing(folder, (24, 16), list(colours), rows)
    return Dataset(folder)


def seen(pictures: np.ndarray) -> np.ndarray:
    """The mean colour: what a network sees of plain pictures."""
    return pictures.mean((1, 2), dtype=np.float64)


def test_a_picture_that_looks_like_another_class_stays_out(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"red": [RED, RED, BLUE, RED, RED, RED], "blue": [BLUE] * 6})
    chosen = slots(data, 6, seen)
    assert chosen[:6] == [(0, False), (1, False), (3, False), (4, False), (5, False), (0, True)]
    assert chosen[6:] == [(6 + k, False) for k in range(6)]


def test_a_sixth_of_a_class_stays_out_at_most(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"red": [RED] * 7 + [BLUE] * 5, "blue": [BLUE] * 12})
    kept = {index for index, _ in slots(data, 12, seen)[:12]}
    assert set(range(7)) < kept
    assert len(kept) == 10


def test_of_more_pictures_than_slots_every_so_many_are_remembered(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"red": [RED] * 31})
    assert slots(data, 4) == slots(data, 4, seen) == [(0, False), (10, False), (20, False), (30, False)]


def test_without_features_or_other_sources_all_are_remembered(tmp_path: Path) -> None:
    colours = {"red": [RED] * 5 + [BLUE], "blue": [BLUE] * 6}
    everything = [(k, False) for k in range(12)]
    assert slots(dataset(tmp_path / "a", colours), 6) == everything
    assert slots(dataset(tmp_path / "b", colours, source="one film"), 6, seen) == everything
