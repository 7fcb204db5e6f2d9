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
from engine.studio.dataset.reading import Dataset


def slots(dataset: Dataset, count: int) -> list[tuple[int, bool]]:
    """For each class in order, `count` training pictures and whether each is mirrored: first all as they are, then again."""
    chosen: list[tuple[int, bool]] = []
    train = dataset.indices("train")
    labels = dataset.labels(train)
    for number in range(len(dataset.classes)):
        own = [int(i) for i in train[labels == number]]
        both = [(i, False) for i in own] + [(i, True) for i in own]
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
