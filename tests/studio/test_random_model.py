"""A model of random weights, as the architecture recipe of CONTRIBUTING.md writes one: a line for each way it may go."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.runtime.card import GENERATOR, load_card
from engine.studio import random_model

CONFIG: dict[str, Any] = {"resolution": 16, "z_dim": 8, "w_dim": 8, "c_dim": 0, "channel_base": 64, "channel_max": 8}
CONFIG |= {"mapping_layers": 1, "conv_clamp": 256.0}


def told(**changed: Any) -> str:
    return json.dumps({"name": "moire", "architecture": "stylegan2", "config": CONFIG} | changed)


def test_what_was_written_is_said_and_all_may_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "moire"
    old = os.umask(0o022)
    try:
        assert random_model.main([str(folder), told()]) == 0
    finally:
        os.umask(old)
    card = load_card(folder)
    assert capsys.readouterr().out == f"{folder} written: {random_model.card_file.read(folder)['params']} parameters\n"
    assert card.architecture == "stylegan2"
    if os.name == "posix":
        assert (folder / GENERATOR).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("json_text", "expected"),
    [
        ("{", "expected JSON; got '{' ("),
        ("3", "expected JSON with name, architecture, config; got 3"),
        ("{}", "expected JSON with name, architecture, config; got none of them"),
        (told(config=[]), "expected a table for config; got []"),
        (told(architecture="moire"), "expected an architecture, one of biggan_deep, "),
        (told(config={}), "expected the key "),
        (told(config=CONFIG | {"w_dim": "two"}), "expected a config that stylegan2 takes; got "),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], json_text: str, expected: str
) -> None:
    assert random_model.main([str(tmp_path / "moire"), json_text]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"random_model: {expected}")
    assert printed.count("\n") == 1
    assert not (tmp_path / "moire").exists()


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert random_model.main([str(tmp_path), told()]) == 2
    assert capsys.readouterr().err == f"random_model: expected a folder that is not there yet; got {tmp_path}\n"
    assert not list(tmp_path.iterdir())
    assert random_model.main([]) == 2
    assert "got 0 arguments" in capsys.readouterr().err


def test_a_network_that_cannot_draw_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shapes")

    monkeypatch.setattr(random_model.card_file, "complete", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        random_model.main([str(tmp_path / "moire"), told()])
    assert not (tmp_path / "moire").exists()
