"""Looks at a model while it is trained: a sheet, walks, and how far its pictures are from the training pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.network import Network
from engine.studio import picture_distance, sheets
from engine.studio.dataset.dataset import Dataset
from engine.studio.drawing import frames, latents, weights
from engine.studio.training.pictures import middles
from engine.studio.training.run_log import Board

_ROWS = 12  # classes on a sheet
_SIDE = 128  # pixels of a frame on a sheet
_COMPARED = 256  # pictures, of each kind
_SEED = 1000


class Previews:
    """Draws and measures the same latents each time, so that one look can be held against another.

    The distance needs opennsfw's features, from `file` or the installed package; without them it is left out.
    """

    def __init__(self, dataset: Dataset, classes: Sequence[str], file: Path | None) -> None:
        self.dataset, self.classes = dataset, tuple(classes)
        file = file or picture_distance.installed()
        self._scene = picture_distance.Scene(file) if file else None
        train = dataset.indices("train")
        self._compared = train[np.linspace(0, len(train) - 1, min(len(train), _COMPARED)).round().astype(np.int64)]
        self._known: picture_distance.Array | None = None

    @property
    def measures(self) -> bool:
        """Whether the distance can be measured."""
        return self._scene is not None and len(self._compared) > 1

    def look(self, network: Network, step: int, board: Board) -> dict[str, float]:
        """Puts sheets on the board, and returns the distance (kernel distance of opennsfw features, times 1000)."""
        shown = range(min(len(self.classes), _ROWS))
        labels = [self.classes[index] for index in shown] if len(self.classes) > 1 else []
        side = min(_SIDE, network.resolution[0])
        board.show("samples", step, sheets.tile(sheets.samples(network, shown), side, labels))
        board.show("walks", step, sheets.tile(sheets.walks(network, shown, moments=10), side, labels))
        return {"distance": self._distance(network)} if self.measures else {}

    def _distance(self, network: Network) -> float:
        assert self._scene is not None
        if self._known is None:
            self._known = self._scene(middles(self.dataset, self._compared, network.resolution[0]))
        y = np.zeros((len(self._compared), network.classes), np.float32)
        if network.classes > 1:
            y[np.arange(len(y)), self.dataset.labels(self._compared)] = 1
        else:
            y = weights(network, {}, len(y))
        drawn = self._scene(frames(network, latents(network, len(y), _SEED), y))
        return picture_distance.kernel_distance(drawn, self._known)
