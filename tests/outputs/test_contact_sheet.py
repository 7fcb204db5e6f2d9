from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.outputs.contact_sheet import contact_sheet
from engine.outputs.film import FilmSink


def film(path: Path, frames: int) -> Path:
    """Grey that rises from black to white."""
    sink = FilmSink(path)
    sink.open((160, 90), 30, 48000, paced=False)
    for number in range(frames):
        picture = np.full((90, 160, 4), 255, np.uint8)
        picture[..., :3] = round(255 * number / frames)
        sink.picture(picture, number / 30)
        sink.sound(np.zeros((1600, 2), np.float32), number / 30)
    sink.close()
    return path


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_sheet_shows_the_whole_film_in_even_steps(tmp_path: Path, ending: str) -> None:
    sheet = tmp_path / "sheets" / f"sheet.{ending}"
    contact_sheet(film(tmp_path / "film.mp4", 300), sheet, pictures=10, columns=5, width=160)
    page = np.asarray(Image.open(sheet).convert("L"))
    assert page.shape[1] > 5 * 160
    assert page.shape[0] > 2 * 90
    greys = [
        page[row * page.shape[0] // 2 + 50, column * page.shape[1] // 5 + 80].item() for row in range(2) for column in range(5)
    ]
    assert greys == pytest.approx([255 * (number + 0.5) / 10 for number in range(10)], abs=6)


def test_a_film_shorter_than_the_sheet_is_shown_all_the_same(tmp_path: Path) -> None:
    contact_sheet(film(tmp_path / "film.mp4", 3), tmp_path / "sheet.png", pictures=8)
    assert (tmp_path / "sheet.png").is_file()


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(ValueError, match="Invalid data"):
        contact_sheet(tmp_path / "film.mp4", tmp_path / "sheet.png")
    with pytest.raises(OSError, match="No such file"):
        contact_sheet(tmp_path / "none.mp4", tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()
