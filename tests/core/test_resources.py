from pathlib import Path

import pytest

from engine.core import resources


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(resources, "_added", [])
    shelf = tmp_path / "data" / "clavilux" / "models" / "light"
    shelf.mkdir(parents=True)
    return shelf


def test_bundled_model_is_found_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert resources.find("models", "light") == Path(__file__).parents[2] / "models" / "light"


def test_the_users_folder_comes_first_and_assets_before_it(home: Path, tmp_path: Path) -> None:
    assert resources.find("models", "light") == home
    mine = tmp_path / "mine"
    (mine / "models" / "light").mkdir(parents=True)
    resources.add_assets(mine)
    assert resources.find("models", "light") == mine / "models" / "light"
    assert [path for path in resources.listing("models") if path.name == "light"] == [mine / "models" / "light"]


def test_a_missing_name_lists_what_there_is(home: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected one of .*light.* in models; got 'dark'"):
        resources.find("models", "dark")


def test_a_name_on_a_shelf_may_be_its_number_from_1() -> None:
    known = ["deep", "first", "3", "tidal"]
    assert [resources.on_shelf("patch", name, known) for name in ("tidal", "1", "4", "3")] == ["tidal", "deep", "tidal", "3"]
    for wrong in ("0", "5", "-1", "1.0", "²", "0000012", "9" * 5000, "", "../deep"):
        with pytest.raises(LookupError, match="expected a patch, one of deep, first, 3, tidal, or its number from 1; got "):
            resources.on_shelf("patch", wrong, known)


@pytest.mark.parametrize(
    "name", ["../models/light", "light/../../secret", "/etc/passwd", "\\\\host\\share", "C:secret", "light\\..\\.."]
)
def test_names_cannot_leave_the_shelf(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="expected a name on the shelf"):
        resources.find("models", name)


def test_assets_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--assets"):
        resources.add_assets(tmp_path / "nowhere")


def test_models_are_folders_that_are_not_still_being_written(home: Path) -> None:
    for name in (".light.x1", "mine"):
        (home.parent / name).mkdir()
    (home.parent / "README.md").write_text("not a model")
    found = [folder.name for folder in resources.models()]
    assert {"light", "mine"} <= set(found)
    assert not [name for name in found if name.startswith(".") or "." in name]


def test_a_model_is_a_name_on_the_shelf_or_a_folder_and_is_found_again_by_its_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (home, tmp_path / "light", tmp_path / "my own", tmp_path / "models" / "dune"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.toml").touch()
    assert resources.model_folder("light") == home
    for given in ("./light", "my own", "models/dune/", str(tmp_path / "light")):
        folder = resources.model_folder(given)
        assert folder.samefile(given)
        assert resources.model_folder(resources.model_name(folder)).samefile(given)
    assert resources.model_name(home) == "light"
    assert resources.model_name(tmp_path / "light") == str(tmp_path / "light")
    for nothing in ("dark", "models", "my own/deeper", "../light"):
        with pytest.raises(FileNotFoundError, match=r"expected .*model"):
            resources.model_folder(nothing)
