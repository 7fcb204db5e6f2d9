"""How the files of the engine import each other: one way, by whatever kind of import."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
FILES = {".".join(file.relative_to(CHECKOUT).with_suffix("").parts): file for file in (CHECKOUT / "engine").rglob("*.py")}
MODULES = {name.removesuffix(".__init__"): file for name, file in FILES.items()}


def imported(file: Path) -> Iterator[str]:
    """The modules of the engine that a file imports: at its top, inside functions and for its annotations alike."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in MODULES else node.module


def test_no_file_imports_one_that_imports_it() -> None:
    graph = {name: {found for found in imported(file) if found != name} for name, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"expected imports that go one way; got the circle {' -> '.join(reversed(error.args[1]))}")
