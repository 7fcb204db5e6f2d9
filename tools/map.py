"""Writes the list of modules in engine/README.md from their own first lines: `make map`."""

import ast
from pathlib import Path

ENGINE = Path(__file__).resolve().parent.parent / "engine"
BEGIN, END = "<!-- modules: written by `make map` -->\n", "<!-- end of modules -->\n"


def listing() -> str:
    """Every folder and module in a line, as Markdown: base layer and wiring first, then the folders."""
    lines = []
    for folder in (ENGINE, *sorted(path.parent for path in ENGINE.glob("*/**/__init__.py"))):
        inside = folder.relative_to(ENGINE.parent)
        lines += ["", f"### {inside}/", "", first_line(folder / "__init__.py"), ""]
        modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        lines += [f"- `{path.name}` {first_line(path)}" for path in modules]
    return "\n".join(lines[1:]) + "\n"


def first_line(path: Path) -> str:
    """The first line of a module's docstring. Raises ValueError where there is none."""
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not doc:
        raise ValueError(f"expected a docstring in {path}; got none")
    return doc.splitlines()[0]


def mapped(text: str) -> str:
    """`text` with its list of modules brought up to date."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{listing()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    readme = ENGINE / "README.md"
    readme.write_text(mapped(readme.read_text(encoding="utf-8")), encoding="utf-8")
