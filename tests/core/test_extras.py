"""The command that installs an extra works from a checkout, and from an installed wheel."""

import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from engine.core import extras


def test_from_a_checkout_it_installs_the_checkout() -> None:
    words = shlex.split(extras.install_command("train"))
    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    root, bracket, extra = words[-1].partition("[")
    assert (extra, bracket) == ("train]", "[")
    assert "train" in tomllib.loads((Path(root) / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert words[-2] == "-e"


def test_elsewhere_it_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "ROOT", tmp_path)
    assert shlex.split(extras.install_command("hub"))[-1] == "clavilux[hub]"
