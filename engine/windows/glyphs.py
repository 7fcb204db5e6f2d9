"""Letters as rectangles of one picture, so that a page of text is one draw call."""

import unicodedata
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.core.types import ByteArray, FloatArray

SIZES: Final = (13, 16, 30)
SHEET: Final = 1024  # pixels a side
WORD_SPACE: Final = 1.3  # the font's own is narrow at screen sizes
_LETTERS: Final = "".join(map(chr, range(33, 127))) + "°±·…"  # nearly all that Pillow's copy of the font has
_RUNS_KEPT: Final = 2000


def plain(text: str) -> str:
    """`text` in letters that the font has: accents that it lacks are dropped, other letters become a question mark."""
    known = f" {_LETTERS}"
    letters = (letter if letter in known else unicodedata.normalize("NFD", letter)[0] for letter in text)
    return "".join(letter if letter in known else "?" for letter in letters)


class GlyphAtlas:
    """Pillow's own font (Aileron) at a few sizes, drawn once for one `scale` of the window. `sheet` is (SHEET, SHEET) coverage.

    Raises ValueError for a scale above 3.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale
        page = Image.new("L", (SHEET, SHEET))
        pen = ImageDraw.Draw(page)
        self._glyphs: dict[tuple[int, str], tuple[float, ...]] = {}
        self._advance: dict[tuple[int, str], float] = {}
        self._runs: dict[tuple[int, str], tuple[FloatArray, float]] = {}
        left, top, row = 0, 0, 0
        for size in SIZES:
            font = ImageFont.load_default(max(round(size * scale), 6))
            self._advance[size, " "] = font.getlength(" ") * WORD_SPACE
            for letter in _LETTERS:
                x0, y0, x1, y1 = (int(edge) for edge in font.getbbox(letter, anchor="ls"))
                width, height = x1 - x0, y1 - y0
                if left + width + 2 > SHEET:
                    left, top, row = 0, top + row + 2, 0
                pen.text((left - x0, top - y0), letter, fill=255, font=font, anchor="ls")
                self._glyphs[size, letter] = (x0, y0, width, height, left, top)
                self._advance[size, letter] = font.getlength(letter)
                left, row = left + width + 2, max(row, height)
        if top + row > SHEET:
            raise ValueError(f"expected a scale whose letters fit {SHEET} x {SHEET} pixels; got {scale}")
        self.sheet: ByteArray = np.asarray(page, np.uint8)

    def run(self, text: str, size: int) -> tuple[FloatArray, float]:
        """Rectangles of `text` from the origin of its baseline, (n, 8): x, y, w, h and u, v, w, h; and its width.

        All in pixels of the window. Letters that the font lacks are drawn as `plain` has them.
        """
        known = self._runs.get((size, text))
        if known is not None:
            return known
        across, rows = 0.0, []
        for letter in plain(text):
            key = size, letter
            if key in self._glyphs:
                x, y, width, height, u, v = self._glyphs[key]
                rows.append((round(across + x), y, width, height, u, v, width, height))
            across += self._advance[key]
        made = (np.array(rows, np.float32).reshape(-1, 8), across)
        if len(self._runs) >= _RUNS_KEPT:
            self._runs.clear()
        self._runs[size, text] = made
        return made

    def wrap(self, text: str, size: int, width: float) -> list[str]:
        """`text` in lines no wider than `width` pixels, broken between words where it can be."""
        lines = [""]
        for word in text.split():
            trial = f"{lines[-1]} {word}".strip()
            if self.run(trial, size)[1] <= width or not lines[-1]:
                lines[-1] = trial
            else:
                lines.append(word)
        return [self.clip(line, size, width) for line in lines]

    def clip(self, text: str, size: int, width: float) -> str:
        """`text`, shortened with an ellipsis if it is wider than `width` pixels."""
        if self.run(text, size)[1] <= width:
            return text
        while text and self.run(text + "…", size)[1] > width:
            text = text[:-1]
        return text + "…"
