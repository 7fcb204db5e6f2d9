import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "engine/README.md", ROOT / "patches/README.md")


def unfenced(text):
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)


def prose(text):
    return [line for line in unfenced(text).splitlines() if not line.startswith(("|", "#"))]


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", unfenced(text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_tree_leads_somewhere(path):
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text(encoding="utf-8"))
    for link in links:
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_is_wrapped_at_a_hundred_columns(path):
    long = [line for line in prose(path.read_text(encoding="utf-8")) if len(line) > 100 and " " in line.strip()]
    assert not long


def test_the_first_page_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
