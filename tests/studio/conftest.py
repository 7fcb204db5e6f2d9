"""What the tests of training stand on; its presence also lets them import `figures`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from figures import TINY, drawn


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread of torch's for all tests of a file."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, and the tiny sizes of both recipes."""
    folder = tmp_path_factory.mktemp("shelf")
    drawn(folder / "figures")
    for recipe, text in TINY.items():
        (folder / f"{recipe}.toml").write_text(text)
    return folder
