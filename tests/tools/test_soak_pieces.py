"""The pieces of `make soak` hold every long form once."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tools.soak import PIECES, command, main

CHECKOUT = Path(__file__).resolve().parents[2]


def test_every_file_with_a_long_form_is_in_one_piece() -> None:
    mark = re.compile(r"^@pytest\.mark\.soak|marks=pytest\.mark\.soak", re.M)
    files = (CHECKOUT / "tests").rglob("test_*.py")
    long = {str(file.relative_to(CHECKOUT)) for file in files if mark.search(file.read_text()) and file != Path(__file__)}
    assert len(long) > 10
    assert Counter(file for piece in PIECES.values() for file in piece) == Counter(long)


def test_a_piece_collects_its_long_forms_alone() -> None:
    done = subprocess.run(
        [*command("files"), "--collect-only", "-p", "no:cacheprovider"],
        capture_output=True, text=True, timeout=120, cwd=CHECKOUT,
    )  # fmt: skip
    names = [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert names == ["test_killed_while_saving_a_thousand_times", "test_twenty_thousand_broken_patches"], done.stdout


def test_a_wrong_name_is_answered_with_the_right_ones(capsys) -> None:
    assert main(["ocs"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("expected pieces of osc, ")
    assert said.endswith("; got ocs\n")


def test_contributing_names_every_piece() -> None:
    said = (CHECKOUT / "CONTRIBUTING.md").read_text()
    assert all(f"`{name}`" in said for name in PIECES)
    assert sys.executable == command("osc")[0]
