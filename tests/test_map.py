from pathlib import Path

from tools.map import mapped


def test_the_map_names_every_module_in_its_own_words() -> None:
    text = (Path(__file__).parent.parent / "engine" / "README.md").read_text(encoding="utf-8")
    assert mapped(text) == text, "run `make map`"
