from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.studio.dataset.dataset import Dataset

pytest.importorskip("scipy")  # of the extra "train"

from tools.data.build import build
from tools.data.sources import CLASSES, TRAIN, Source, Sources


def drawn(tmp_path: Path, name: str, most: int) -> list[Source]:
    sources = [s for s in Sources(tmp_path, 36, 56) if s.columns["class"] == name and s.columns["source"].startswith("seed")]
    return [*(s for s in sources if s.columns["split"] == "train")][:most] + [s for s in sources if s.columns["split"] == "held"][
        :1
    ]


def test_the_ledger_is_balanced_and_free_and_splits_by_source(tmp_path: Path) -> None:
    sources = list(Sources(tmp_path, 288, 448))
    assert len({source.file.casefold() for source in sources}) == len(sources)
    train = [source.columns for source in sources if source.columns["split"] == "train"]
    held = [source.columns for source in sources if source.columns["split"] == "held"]
    assert Counter(columns["class"] for columns in train) == dict.fromkeys(CLASSES, TRAIN)
    assert min(Counter(columns["class"] for columns in held).values()) >= 16
    assert {columns["licence"].split(";")[0] for columns in train} == {"public domain", "CC0"}
    assert not {columns["source"] for columns in train} & {columns["source"] for columns in held}


@pytest.mark.parametrize(
    ("place", "stem", "match"),
    [
        ("judge", "beach1", "expected each source in one split; got 'endless-sky-data/beach1' in both"),
        ("sea", "bwerner1", "expected only free sources to learn from; got 'endless-sky-data/bwerner1', CC-BY-SA-3.0"),
    ],
)
def test_a_photograph_in_the_wrong_place_is_refused(tmp_path: Path, place: str, stem: str, match: str) -> None:
    sources = Sources(tmp_path, 288, 448)
    (sources.chosen["judge"]["sky"] if place == "judge" else sources.chosen[place]).append(stem)
    with pytest.raises(ValueError, match=match):
        list(sources)


def test_what_is_built_reads_as_a_dataset_and_is_made_once(tmp_path: Path) -> None:
    made: list[str] = []

    def counted(source: Source) -> Source:
        def make() -> np.ndarray:
            made.append(source.file)
            return source.make()

        return Source(source.columns, make)

    sources = [counted(s) for name in ("city", "cosmos") for s in drawn(tmp_path, name, 2)]
    said = build(sources, (56, 36), tmp_path / "data")
    assert said["pictures"] == len(made) == 6
    data = Dataset(tmp_path / "data")
    data.verify()
    assert data.classes == CLASSES
    assert data.stack(data.indices("train")).shape == (4, 36, 56, 3)
    assert data.pictures[0].more["package"] == "drawn by tools/data"
    assert np.abs(data[0] - 255.0 * np.clip(sources[0].make(), 0, 1)).mean() < 6  # WebP keeps it
    made.clear()
    build(sources, (56, 36), tmp_path / "data")
    build(sources, (56, 36), tmp_path / "again", reuse=tmp_path / "data")
    assert made == []
    assert (tmp_path / "again" / "dataset.json").read_bytes() == (tmp_path / "data" / "dataset.json").read_bytes()
