"""The training pictures as batches: crops and mirrorings that are a function of (seed, step, rank), prepared one step ahead."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.studio.dataset.dataset import Dataset, DatasetError
from engine.studio.training.parallel import World, seeded

_KEPT_BYTES = 2 << 30  # decoded pictures that stay in memory
_MOST_READERS = 8


@dataclass(frozen=True, slots=True)
class Cut:
    """Square crops whose side is drawn from least..most pixels, shown at `side`."""

    least: int
    most: int
    side: int


class Pictures:
    """Batches of the dataset's training pictures. Not to be shared between threads; `close` ends its readers."""

    def __init__(self, dataset: Dataset, cut: Cut, batch: int, seed: int, world: World) -> None:
        self.dataset, self.cut, self.seed, self.world = dataset, cut, seed, world
        self.batch_size = batch // world.size
        self.indices = dataset.indices("train")
        if not len(self.indices):
            raise DatasetError(f"expected pictures with split 'train' in {dataset.folder}; got none")
        self.labels = torch.from_numpy(dataset.labels())
        self._decoded: dict[int, NDArray[np.uint8]] = {}
        self._room = _KEPT_BYTES // (dataset.width * dataset.height * 3)
        self._readers = ThreadPoolExecutor(min(_MOST_READERS, os.cpu_count() or 1), "pictures")
        self._ahead: deque[tuple[int, Tensor, list[Future[Tensor]]]] = deque()

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The step's pictures (B,3,S,S) uint8 and their classes (B,), and the next step's are begun. Raises DatasetError."""
        if not self._ahead or self._ahead[0][0] != step:
            self._ahead.clear()
            self._begin(step)
        _, labels, crops = self._ahead.popleft()
        self._begin(step + 1)
        return torch.stack([crop.result() for crop in crops]), labels

    def close(self) -> None:
        """Let the readers go."""
        self._readers.shutdown(wait=True, cancel_futures=True)

    def _begin(self, step: int) -> None:
        rng = torch.Generator().manual_seed(seeded(self.seed, "pictures", step, self.world.rank))
        draws = torch.rand(self.batch_size, 5, generator=rng).tolist()
        chosen = [int(self.indices[int(draw[0] * len(self.indices))]) for draw in draws]
        crops = [self._readers.submit(self._crop, i, draw[1:]) for i, draw in zip(chosen, draws, strict=True)]
        self._ahead.append((step, self.labels[chosen], crops))

    def _crop(self, index: int, draw: list[float]) -> Tensor:
        size, down, right, mirrored = draw
        picture = self._decoded.get(index)
        if picture is None:
            picture = self.dataset[index]
            if len(self._decoded) < self._room:
                self._decoded[index] = picture
        side = self.cut.least + int(size * (self.cut.most - self.cut.least + 1))
        top, left = int(down * (picture.shape[0] - side + 1)), int(right * (picture.shape[1] - side + 1))
        crop = picture[top : top + side, left : left + side]
        if side != self.cut.side:
            shown = Image.fromarray(crop).resize((self.cut.side, self.cut.side), Image.Resampling.LANCZOS)
            crop = np.asarray(shown)
        crop = crop[:, ::-1] if mirrored < 0.5 else crop
        return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))  # (3, S, S)


def middles(dataset: Dataset, indices: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """The middle square of each picture at `side` pixels (n,side,side,3), for comparison with what a model draws."""
    out = np.empty((len(indices), side, side, 3), np.uint8)
    for place, index in enumerate(indices):
        picture = dataset[int(index)]
        square = min(picture.shape[:2])
        top, left = (picture.shape[0] - square) // 2, (picture.shape[1] - square) // 2
        crop = Image.fromarray(picture[top : top + square, left : left + square])
        out[place] = np.asarray(crop.resize((side, side), Image.Resampling.LANCZOS))
    return out
