"""Sheets: many frames of a model on one picture, by which it is judged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.core.network import Network
from engine.studio.drawing import WALK_STEP, Array, Frames, frames, latents, walk, weights
from engine.windows.glyphs import plain

ENDINGS = (".png", ".webp", ".jpg")
_GAP = 2
_INK = (214, 219, 224)
_LETTERS = 13  # pixels


def check_ending(file: Path) -> None:
    """Raises ValueError for a file that no sheet can be saved as, before anything is drawn."""
    if file.suffix.lower() not in ENDINGS:
        raise ValueError(f"expected a sheet ending in {', '.join(ENDINGS)}; got {file}")


def tile(rows: Sequence[Frames], side: int, labels: Sequence[str] = ()) -> Image.Image:
    """Rows of frames as one picture, each frame `side` pixels wide, a hair of black between, and a label before each row."""
    height = round(side * rows[0].shape[1] / rows[0].shape[2])
    font, labels = ImageFont.load_default(_LETTERS), [plain(label) for label in labels]
    margin = round(max((font.getlength(label) for label in labels), default=-8)) + 8
    sheet = Image.new("RGB", (margin + max(len(row) for row in rows) * (side + _GAP), len(rows) * (height + _GAP)))
    pen = ImageDraw.Draw(sheet)
    for j, row in enumerate(rows):
        top = j * (height + _GAP)
        if labels:
            pen.text((4, top + (height - _LETTERS) // 2), labels[j], _INK, font)
        for i, frame in enumerate(row):
            small = Image.fromarray(frame).resize((side, height), Image.Resampling.LANCZOS)
            sheet.paste(small, (margin + i * (side + _GAP), top))
    return sheet


def samples(network: Network, indices: Sequence[int], count: int = 8, seed: int = 100, truncation: float = 1.0) -> list[Frames]:
    """A row of `count` frames for each class of `indices`; every row has latents of its own."""
    return [
        frames(network, latents(network, count, seed + c), weights(network, {c: 1.0}, count), truncation=truncation)
        for c in indices
    ]


def large(network: Network, indices: Sequence[int], columns: int = 4, seed: int = 200, truncation: float = 1.0) -> list[Frames]:
    """One frame a class, `columns` to a row."""
    drawn = np.concatenate(samples(network, indices, 1, seed, truncation))
    return [drawn[i : i + columns] for i in range(0, len(drawn), columns)]


def walks(
    network: Network,
    indices: Sequence[int],
    moments: int = 14,
    every: int = 8,
    seed: int = 40,
    truncation: float = 1.0,
) -> list[Frames]:
    """A latent walk a row for each class: `moments` frames, of which each is `every` frames of film after the last."""
    rows = []
    for k, c in enumerate(indices):
        z = walk(network, moments, seed + k, WALK_STEP * every)
        rows.append(frames(network, z, weights(network, {c: 1.0}, moments), truncation=truncation))
    return rows


def mixes(
    network: Network, pairs: Sequence[tuple[int, int]], steps: int = 9, seed: int = 300, truncation: float = 1.0
) -> list[Frames]:
    """A row for each pair of classes, crossing over in `steps` while the latent stays."""
    rows = []
    for k, (one, two) in enumerate(pairs):
        share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        y = weights(network, {one: 1.0}, steps) * (1 - share) + weights(network, {two: 1.0}, steps) * share
        rows.append(frames(network, latents(network, 1, seed + k).repeat(steps, 0), y, truncation=truncation))
    return rows


def styles(
    network: Network,
    shares: Array,
    count: int = 6,
    seed: int = 500,
    truncation: float = 1.0,
    index: int = 0,
) -> list[Frames]:
    """A style-mixing grid (Karras et al., 2019, figure 3) of class `index`: row k has one latent's styles, column i another's.

    `shares` (3,) says how far the coarse, middle and fine groups take the column's. Above the rows stand the columns' own
    pictures, before each row its own. Raises ValueError for a network that cannot mix styles.
    """
    if "styles" not in network.extra_inputs:
        raise ValueError(f"expected an architecture that mixes styles (StyleGAN); got {type(network).__name__}")
    one, two = latents(network, count, seed), latents(network, count, seed + 1)
    head = frames(network, two, weights(network, {index: 1.0}, count), truncation=truncation)
    rows = [np.concatenate([np.zeros_like(head[:1]), head])]
    for own in one[:, None]:  # (1, Z)
        second = np.concatenate([own, two])  # (count + 1, Z): the first mixes with itself
        extra_inputs = {"styles": np.concatenate([second, np.broadcast_to(shares, (count + 1, 3))], 1).astype(np.float32)}
        y = weights(network, {index: 1.0}, count + 1)
        rows.append(frames(network, own.repeat(count + 1, 0), y, truncation=truncation, extra_inputs=extra_inputs))
    return rows
