"""A dataset of drawn figures, and sizes of both recipes that are tiny enough to train on it in a test."""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

TINY = {
    "light": """
[config]
cells = 4
slots = 4
picks = 3
channels = 8
widths = [8, 8, 8]
blocks = [1, 1, 1]
[recipe]
batch = 4
""",
    "stylegan2": """
[config]
z_dim = 16
w_dim = 16
resolution = 16
channel_base = 256
channel_max = 16
[recipe]
batch = 4
""",
}


def drawn(folder: Path, classes: tuple[str, ...] = ("disc", "bar"), size: tuple[int, int] = (40, 32), each: int = 5) -> Path:
    """A dataset of drawn figures."""
    rng, rows = np.random.default_rng(1), []
    for name in classes:
        (folder / "pictures" / name).mkdir(parents=True)
        for k in range(each):
            picture = Image.new("RGB", size, tuple(rng.integers(0, 80, 3).tolist()))
            x, y = rng.integers(2, 16, 2).tolist()
            pen, colour = ImageDraw.Draw(picture), tuple(rng.integers(120, 255, 3).tolist())
            if name == "disc":
                pen.ellipse((x, y, x + 14, y + 14), fill=colour)
            else:
                pen.rectangle((x, y, x + 18, y + 5), fill=colour)
            file = folder / "pictures" / name / f"{k}.png"
            picture.save(file)
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            split, licence = ("held" if k == each - 1 else "train"), ("CC0-1.0" if k else "CC-BY-4.0")
            row = {"file": f"pictures/{name}/{k}.png", "class": name, "split": split, "source": f"figure {k}", "licence": licence}
            rows.append(row | {"sha256": digest, "author": "a draughtsman"})
    listing = {"width": size[0], "height": size[1], "classes": classes, "pictures": rows}
    (folder / "dataset.json").write_text(json.dumps(listing))
    return folder
