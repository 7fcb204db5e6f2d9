import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fullshow import Show, perform
from supervised import Supervised

from engine.core import resources


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An assets folder before those that are shipped, with a shader in it that may be broken."""
    folder = tmp_path_factory.mktemp("assets")
    (folder / "shaders").mkdir()
    shutil.copy(resources.find("shaders", "grade.glsl"), folder / "shaders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "_added", [folder])
        yield folder


@pytest.fixture(scope="module")
def show(shelf: Path) -> Iterator[Show]:
    """One show for all tests of a file."""
    with perform() as made:
        yield made


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Starts supervised shows, and ends them and all their processes."""
    made: list[Supervised] = []

    def start(*words: str, display: str = "", fault: str = "") -> Supervised:
        made.append(Supervised(tmp_path, *words, display=display, fault=fault))
        return made[-1]

    yield start
    for show in made:
        show.end()
