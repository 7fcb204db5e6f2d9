from pathlib import Path

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
