"""The table of faults names tests that are there, short forms and long ones each in their column."""

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("README.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if re.match(r"\| \d", line)]


def forms_of(file: Path) -> dict[str, bool]:
    """Names of a file's tests, and whether each is a long form."""
    found = {}
    for item in ast.parse(file.read_text()).body:
        if isinstance(item, ast.FunctionDef) and item.name.startswith("test_"):
            found[item.name] = any(ast.unparse(mark) == "pytest.mark.soak" for mark in item.decorator_list)
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_test_of_the_table_is_there(row: list[str]) -> None:
    assert len(row) == 5, row
    for cell, long in ((row[3], False), (row[4], True)):
        for name in re.findall(r"`([^`]+)`", cell):
            path, _, test = name.partition("::")
            assert (CHECKOUT / path).is_file(), name
            if test:
                assert test in forms_of(CHECKOUT / path), name
                assert forms_of(CHECKOUT / path)[test] is long, f"{name} in the wrong column"


def test_every_fault_test_is_in_the_table() -> None:
    named = " ".join(cell for row in ROWS for cell in row)
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        if file.name not in ("test_table.py", "test_crash.py"):
            missing = [test for test in forms_of(file) if f"{file.name}::{test}`" not in named]
            assert not missing, f"{file.name}: {missing}"


def test_rows_are_in_order_and_each_is_tested() -> None:
    numbers = [int(row[0]) for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert {*range(2, 19), 21, 22, 23, 25, 26, 27, 29, 30, 33} <= set(numbers)
    assert all("`tests/" in row[3] + row[4] for row in ROWS)
