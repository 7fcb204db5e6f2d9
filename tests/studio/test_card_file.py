"""Cards are TOML whatever their names are."""

from pathlib import Path

from engine.studio import card_file


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    card = {
        "name": 'a "b"\n',
        "config": {"list": [1, 2.5]},
        "metrics": {"sea for sky": 3, "by class": {"größe, m": 1}},
        "rows": [{"x y": True}],
    }
    card_file.write(tmp_path, card)
    assert card_file.read(tmp_path) == card
