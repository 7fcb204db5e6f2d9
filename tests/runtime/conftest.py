import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.registry import lookup
from engine.core.resources import find
from engine.runtime.card import ModelCard, load_card


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model; a copy, so that training may go on and write a new one."""
    return Path(shutil.copytree(find("models", "light"), tmp_path_factory.mktemp("models") / "light"))


@pytest.fixture(scope="session")
def card(model: Path) -> ModelCard:
    return load_card(model)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty cache, so that the conversion is tested too; it is paid for once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "clavilux" / "compiled" / "openvino"


@pytest.fixture(scope="session")
def openvino(card: ModelCard, cache: Path):
    generator = lookup("runtime", "openvino")(card, 1, print)
    yield generator
    generator.close()
