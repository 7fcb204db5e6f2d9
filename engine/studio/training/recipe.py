"""What every recipe is: networks and optimisers, one training step, and the model that comes of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn, optim

from engine.core.network import Network
from engine.runtime.card import ModelCard
from engine.studio.dataset.dataset import Dataset
from engine.studio.training.parallel import World
from engine.studio.training.pictures import Cut

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a recipe is made of. `config` is the model's [config], `settings` the recipe's own, both complete."""

    config: Table
    settings: Table
    classes: tuple[str, ...]  # of the model
    dataset: Dataset
    batch: int  # of all ranks together
    world: World
    vgg: Path | None = None
    features: Path | None = None  # open-nsfw.onnx


class Recipe(ABC):
    """Base of all recipes. Everything that a kill must not lose is in `parts`; all else follows from the step's number.

    `update` may draw from torch's global generator, which the trainer seeds before each step.
    """

    preset: ClassVar[str]  # the file beside its module with [config] and [recipe], of the size that is made without others
    architecture: ClassVar[str]
    cut: Cut

    def __init__(self, setup: Setup) -> None:
        self.setup, self.world = setup, setup.world

    @classmethod
    @abstractmethod
    def fitted(cls, config: Table, dataset: Dataset, classes: Sequence[str], before: Sequence[str]) -> Table:
        """[config] with what the dataset decides, for `classes`; it was made for those `before`, or for any if there are none.

        Raises ValueError where the dataset's pictures do not suit, KeyError for what is missing.
        """

    @classmethod
    def named(cls, dataset: Dataset, origin: ModelCard | None) -> tuple[str, ...]:
        """The model's classes: the dataset's, whatever `origin`, the model to go on from, had."""
        return dataset.classes

    @abstractmethod
    def parts(self) -> dict[str, nn.Module | optim.Optimizer]:
        """Everything with a state."""

    @abstractmethod
    def begin_from(self, origin: ModelCard) -> None:
        """Takes over a model's weights, in place of random ones. Raises CardError, ValueError where they do not fit."""

    @abstractmethod
    def update(self, pictures: Tensor, labels: Tensor, step: int, progress: float) -> dict[str, Tensor]:
        """One step on pictures (B,3,S,S) in -1..1 of classes (B,); returns the losses. `progress` is 0..1."""

    @abstractmethod
    def files(self) -> dict[str, dict[str, Tensor]]:
        """The model as it is now: tensors by name, for each of its safetensors files."""

    @abstractmethod
    def model(self) -> Network:
        """The model as it is now, ready to draw."""

    def extras(self) -> dict[str, list[Table]]:
        """Further files of the model, by name: lists, written as JSON."""
        return {}
