"""A contact sheet: a whole film on one picture."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

_PAPER, _INK = (13, 15, 18), (214, 219, 224)
_GAP = 6
_LABEL = 20


def contact_sheet(film: Path, sheet: Path, pictures: int = 24, columns: int = 4, width: int = 320) -> None:
    """Draw `pictures` evenly spaced frames of `film`, each `width` pixels wide with its time, into `sheet` (PNG or JPEG).

    Raises ValueError for a film without pictures, OSError for a file that cannot be read or written.
    """
    import av  # a command's help lists the sinks of this folder, and av takes as long as the rest of it

    font = ImageFont.load_default(14)
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        length_s = float((container.duration or 0) / av.time_base)
        height = round(width * stream.height / stream.width)
        rows = -(-pictures // columns)
        cell = (width + _GAP, height + _LABEL + _GAP)
        page = Image.new("RGB", (columns * cell[0] + _GAP, rows * cell[1] + _GAP), _PAPER)
        pen = ImageDraw.Draw(page)
        for number in range(pictures):
            wanted_s = (number + 0.5) * length_s / pictures
            frame = _frame_at(container, stream, wanted_s)
            left, top = _GAP + number % columns * cell[0], _GAP + number // columns * cell[1]
            page.paste(frame.to_image(width=width, height=height), (left, top))
            pen.text((left + 2, top + height + 2), f"{int(frame.time // 60)}:{frame.time % 60:05.2f}", _INK, font)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    page.save(sheet, quality=90)


def _frame_at(container: Any, stream: Any, wanted_s: float) -> Any:
    container.seek(int(wanted_s / stream.time_base), stream=stream)
    last = None
    for frame in container.decode(stream):
        last = frame
        if frame.time + 0.5 / float(stream.average_rate) >= wanted_s:
            return frame
    if last is None:
        raise ValueError(f"expected a film with pictures; got none at {wanted_s:.2f} s from {container.name}")
    return last
