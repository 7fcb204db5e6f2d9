"""Sheets: many frames of a model on one picture, by which it is judged."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.generators.network import Network
from engine.studio.drawing import WALK_STEP, Array, Frames, frames, latents, walk, weights

_GAP = 2
_INK = (214, 219, 224)
_LETTERS = 13  # pixels


def tile(rows: Sequence[Frames], side: int, labels: Sequence[str] = ()) -> Image.Image:
    """Rows of frames as one picture, each frame `side` pixels wide, a hair of black between, and a label before each row."""
    height = round(side * rows[0].shape[1] / rows[0].shape[2])
    font = ImageFont.load_default(_LETTERS)
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


def styles(network: Network, shares: Array, count: int = 6, seed: int = 500, truncation: float = 1.0) -> list[Frames]:
    """A style-mixing grid (Karras et al., 2019, figure 3): row k has one latent's styles, column i another's.

    `shares` (3,) says how far the coarse, middle and fine groups take the column's. Above the rows stand the columns' own
    pictures, before each row its own. Raises ValueError for a network that cannot mix styles.
    """
    if "styles" not in network.live:
        found = type(network).__name__.lower()
        raise ValueError(f"expected an architecture that mixes styles (StyleGAN) for a sheet of styles; got {found}")
    one, two = latents(network, count, seed), latents(network, count, seed + 1)
    y = weights(network, {0: 1.0}, count)
    blank = np.zeros((1, *reversed(network.resolution), 3), np.uint8)
    rows = [np.concatenate([blank, frames(network, two, y, truncation=truncation)])]
    for k in range(count):
        z = one[k : k + 1].repeat(count + 1, 0)
        second = np.concatenate([one[k : k + 1], two])  # (count + 1, Z)
        live = {"styles": np.concatenate([second, np.broadcast_to(shares, (count + 1, 3))], 1).astype(np.float32)}
        rows.append(frames(network, z, weights(network, {0: 1.0}, count + 1), truncation=truncation, live=live))
    return rows


def neighbours(
    network: Network,
    indices: Sequence[int],
    views: Frames,
    pictures: NDArray[np.int64],
    features: Callable[[Frames], NDArray[np.float64]],
    samples_a_class: int = 3,
    seed: int = 400,
    truncation: float = 1.0,
) -> list[Frames]:
    """A row a class: samples, each followed by its three nearest training pictures, by which one sees what is remembered.

    `views` (m,H,W,3) are crops of training pictures and `pictures` (m,) says of which; `features` maps (n,H,W,3) to (n,F).
    """
    known = features(views)  # (m, F)
    rows = []
    for drawn in samples(network, indices, samples_a_class, seed, truncation):
        row = []
        for sample in drawn:
            near = np.argsort(((known - features(sample[None])) ** 2).sum(1))
            _, first = np.unique(pictures[near], return_index=True)  # the nearest view of each picture
            row += [sample, *(_fitted(views[near[i]], network.resolution) for i in np.sort(first)[:3])]
        rows.append(np.stack(row))
    return rows


def _fitted(view: NDArray[np.uint8], resolution: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(view).resize(resolution, Image.Resampling.LANCZOS))
