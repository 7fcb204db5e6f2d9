"""The files from which a run of training goes on."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from engine.studio.training import checkpoint  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_checkpoints_keep_the_last_two_and_refuse_what_is_not_whole(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, step, {"step": step})
    assert [path.name[:8] for path in checkpoint.found(tmp_path)] == ["00000003", "00000002"]
    for path in checkpoint.found(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="expected a whole checkpoint"):
        checkpoint.newest(tmp_path)
    assert checkpoint.newest(tmp_path / "none") == (None, [])


class _Canary:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    checkpoint.save(tmp_path / "checkpoints", 1, {"step": _Canary(canary)})
    with pytest.raises(ValueError, match="expected a whole checkpoint"):
        checkpoint.newest(tmp_path / "checkpoints")
    assert not canary.exists()
