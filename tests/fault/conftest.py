import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fullshow import Show, perform

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
