"""The [pair] table: two parameters of a patch for an XY pad."""

from pathlib import Path

import pytest

from engine.control.patch import PatchError, load_patch
from engine.core import resources
from engine.instrument.instrument import Instrument, find_patch
from engine.runtime.card import load_card

USUAL = resources.find("patches", "first-light.toml").read_text()


def with_pairs(folder: Path, text: str, mark: str = "") -> Path:
    path = folder / "mine.toml"
    path.write_text(mark + USUAL + text, encoding="utf-8")
    return path


def test_pairs_are_read_and_their_addresses_checked(tmp_path: Path) -> None:
    patch = load_patch(with_pairs(tmp_path, '\n[pair]\nsky = { x = "/walk/speed", y = "/latent/truncation" }\n'))
    assert [(pair.name, pair.x, pair.y) for pair in patch.pairs] == [("sky", "/walk/speed", "/latent/truncation")]
    model = load_card(resources.model_folder("light")).info("")
    Instrument(find_patch(str(patch.path)), model)
    wrong = with_pairs(tmp_path, '\n[pair]\nsky = { x = "/walk/spede", y = "/latent/truncation" }\n')
    with pytest.raises(PatchError, match=r"mine.toml:\d+: .*/walk/spede"):
        Instrument(find_patch(str(wrong)), model)


@pytest.mark.parametrize(
    "text",
    ['sky = "/walk/speed"', 'sky = { x = "/walk/speed" }', "sky = { x = 1, y = 2 }", '"a/b" = { x = "/seed", y = "/seed" }'],
)
def test_what_is_no_pair_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(PatchError, match=r"mine.toml:\d+: .*expected"):
        load_patch(with_pairs(tmp_path, f"\n[pair]\n{text}\n"))


def test_a_patch_with_a_byte_order_mark_loads(tmp_path: Path) -> None:
    assert load_patch(with_pairs(tmp_path, "", "\ufeff")).title == load_patch(with_pairs(tmp_path, "")).title
