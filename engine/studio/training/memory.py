"""Light's memory: which picture stands in which slot, its code, and its place in the latent's key space."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from engine.generators.light import KEY
from engine.studio.dataset.dataset import Dataset
from engine.studio.training.pictures import middles

Pixels = NDArray[np.uint8]
Features = NDArray[np.float64]
_LEFT_OUT = 1 / 6  # of a class: with more, what is drawn no longer has the variety of the pictures
_LOOKED_AT = 4096  # pictures: features take a fortieth of a second each
_SEEN = 224  # pixels of a side


def slots(dataset: Dataset, count: int, seen: Callable[[Pixels], Features] | None = None) -> list[tuple[int, bool]]:
    """For each class in order, `count` training pictures and whether each is mirrored: first all as they are, then again.

    Of a class with more pictures than that, every so many stand in it. `seen` maps pictures (n,S,S,3) to features (n,F); with it,
    those that look more like another class than like their own stay out, a sixth of the class at most.
    """
    train = dataset.indices("train")
    labels = dataset.labels(train)
    most = max(2 * count, _LOOKED_AT // len(dataset.classes))
    owned = [_spaced(train[labels == number], most) for number in range(len(dataset.classes))]
    alike = iter(_alike(dataset, np.concatenate(owned), seen))
    chosen: list[tuple[int, bool]] = []
    for own in owned:
        ranked = sorted((next(alike), int(i)) for i in own)
        out = {i for margin, i in ranked[: int(_LEFT_OUT * len(own))] if margin < 0}
        kept = _spaced(np.array([i for i in own if i not in out]), count)
        both = [(int(i), False) for i in kept] + [(int(i), True) for i in kept]
        chosen += [both[k % len(both)] for k in range(count)]
    return chosen


def shown(dataset: Dataset, slot: tuple[int, bool]) -> NDArray[np.uint8]:
    """A slot's picture, (H,W,3) with sides that are whole cells."""
    index, mirrored = slot
    picture = dataset[index]
    height, width = (side // 8 * 8 for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    picture = picture[top : top + height, left : left + width]
    return np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)


@torch.no_grad()
def remembered(dataset: Dataset, chosen: Sequence[tuple[int, bool]], encode: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """The tensors `memory` (N,C,h,w) int8 and its `scale` (C,) from what `encode` makes of pictures (1,3,H,W)."""
    codes = torch.cat([encode(_signed(shown(dataset, slot))).float().cpu() for slot in chosen])  # (N, C, h, w)
    scale = codes.abs().amax((0, 2, 3)).clamp(min=1e-6) / 127
    return {"memory": torch.round(codes / scale[:, None, None]).to(torch.int8), "scale": scale}


def keys(dataset: Dataset, chosen: Sequence[tuple[int, bool]], count: int) -> Tensor:
    """Places in key space (N,KEY), for the `count` slots of each class by themselves."""
    thumbs = [F.interpolate(_signed(shown(dataset, slot)), size=(9, 14), mode="area").flatten() for slot in chosen]
    return torch.cat([_places(part) for part in torch.split(torch.stack(thumbs), count)])


def _signed(picture: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1  # (1, 3, H, W)


def _places(thumbs: Tensor) -> Tensor:
    """Thumbnails (n,F) to places (n,KEY): like ones lie near each other, and a standard normal latent meets each as often.

    The places are the k-means centres of a normal cloud, handed out so as to keep the layout of the thumbnails' principal
    components (least squared distance, Hungarian method).
    """
    u, spread, _ = torch.linalg.svd(thumbs - thumbs.mean(0), full_matrices=False)
    layout = F.pad(u[:, :KEY] * spread[:KEY] ** 0.5, (0, max(0, KEY - len(thumbs))))  # the first component counts most
    layout = layout / layout.std(correction=0).clamp(min=1e-6)
    cloud = np.random.default_rng(3).standard_normal((6000, KEY))
    centres, _ = kmeans2(cloud, cloud[: len(thumbs)].copy(), iter=40, minit="matrix")
    cost = torch.cdist(layout.double(), torch.from_numpy(centres)).square()
    _, column = linear_sum_assignment(cost.numpy())
    return torch.from_numpy(centres[column]).float()


def _spaced(indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """All, or `most` of them at even distances."""
    return indices[np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(np.int64)]


def _alike(dataset: Dataset, indices: NDArray[np.int64], seen: Callable[[Pixels], Features] | None) -> Features:
    """How much nearer each picture (n,) is to the mean of its class than to that of any other; below 0 it is farther.

    Pictures of its own source do not count, as each would be much like itself. 0 where there is nothing to compare.
    """
    margins = np.zeros(len(indices))
    if seen is None or len(dataset.classes) < 2:
        return margins
    features = seen(middles(dataset, indices, _SEEN))  # (n, F)
    labels = dataset.labels(indices)
    sources = np.array([dataset.pictures[int(i)].source for i in indices])
    member = np.eye(len(dataset.classes))[labels]  # (n, C)
    sums, counts = member.T @ features, member.sum(0)  # (C, F), (C,)
    for source in np.unique(sources):
        own = np.flatnonzero(sources == source)
        left = counts - member[own].sum(0)
        means = (sums - member[own].T @ features[own]) / np.maximum(left, 1)[:, None]
        apart = ((features[own, None] - means) ** 2).sum(2)  # (m, C)
        apart[:, left == 0] = np.inf
        at_home = member[own] > 0
        home, away = apart[at_home], np.where(at_home, np.inf, apart).min(1)
        known = np.isfinite(home) & np.isfinite(away)
        margins[own[known]] = away[known] - home[known]
    return margins
