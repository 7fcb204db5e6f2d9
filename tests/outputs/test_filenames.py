import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.outputs.filenames import Filenames, unused


def test_names_of_the_same_second_differ_though_nothing_is_written_yet(tmp_path: Path) -> None:
    names = Filenames(tmp_path)
    given = [names.new(".png") for _ in range(50)]
    assert len(set(given)) == 50
    assert all(path.suffix == ".png" and path.parent == tmp_path for path in given)
    assert not any(tmp_path.iterdir())


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    assert unused(path) == path
    path.touch()
    (tmp_path / "show-2.mp4").touch()
    assert unused(path) == tmp_path / "show-3.mp4"


def test_two_shows_that_record_in_the_same_second_have_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "strftime", lambda form: form.replace("%Y%m%d-%H%M%S", "20260101-200000"))
    shows = [Filenames(tmp_path / "out") for _ in range(8)]
    with ThreadPoolExecutor(8) as beside:
        given = [path for paths in beside.map(lambda show: [show.new(".mp4") for _ in range(10)], shows) for path in paths]
    assert len(set(given)) == 80
    assert set((tmp_path / "out").iterdir()) == set(given)
    assert tmp_path / "out" / "clavilux-20260101-200000.mp4" in given


def test_a_name_is_given_where_no_file_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    names = Filenames(tmp_path / "file")
    assert names.new(".mp4") != names.new(".mp4")


def test_many_names_of_one_second_are_looked_for_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: looked.append(path) or exists(path))
    monkeypatch.setattr(time, "strftime", lambda form: form.replace("%Y%m%d-%H%M%S", "20260101-200000"))
    names = Filenames(tmp_path)
    for _ in range(100):
        names.new(".png").touch()
    assert len(looked) == 100
