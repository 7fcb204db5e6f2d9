"""What every runtime is: a class that draws a model, and that says what it needs before anything of it is loaded.

A module of `engine/runtime/backends/` imports its libraries where it draws, not at its top: it is also read to be listed.
"""

import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from engine.core.types import ByteArray, GeneratorInfo, LatentState
from engine.runtime.card import ModelCard
from engine.runtime.nvidia import NvidiaCard

Say = Callable[[str], None]  # is told how far it is
Capability = tuple[int, int]  # compute capability of an NVIDIA card: (8, 6) is 8.6


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a runtime needs of a machine."""

    packages: tuple[str, ...]  # any of which brings it, by the names that pip knows
    install: str  # what to do where there is none of them
    oldest: Capability | None = None  # least compute capability of an NVIDIA card; None: it needs no card
    only: tuple[Capability, ...] = ()  # the only ones that it is made for; none: all from the oldest on

    def suits(self, card: NvidiaCard) -> bool:
        """Whether it is made for a card."""
        return card.capability in self.only if self.only else self.oldest is None or card.capability >= self.oldest

    def installed(self) -> str | None:
        """The package that brings it and its version, or None."""
        for package in self.packages:
            try:
                return f"{package} {importlib.metadata.version(package)}"
            except importlib.metadata.PackageNotFoundError:
                continue
        return None


class Backend(ABC):
    """Executes a model's network: a `Generator`, and a `GpuGenerator` where it `draws_on_gpu`. One thread may use it at a time.

    Raises CardError for a model that does not fit together, RuntimeError where it cannot play here.
    """

    requirements: ClassVar[Requirements]
    rank: ClassVar[int] = 0  # auto takes the highest that works; 0: only for whoever names it
    draws_on_gpu: ClassVar[bool] = False  # its pictures can stay on the card: it has `draw_on_gpu`
    info: GeneratorInfo

    @abstractmethod
    def __init__(self, card: ModelCard, threads: int, say: Say) -> None: ...

    @abstractmethod
    def step(self, state: LatentState, out: ByteArray) -> None:
        """Draw `state` into `out`, (H, W, 4) RGBA. The same state always gives the same picture."""

    @abstractmethod
    def close(self) -> None:
        """Give back all memory. It cannot be used afterwards."""


class CompiledBackend(Backend):
    """A runtime that plays what was compiled of a model once: `engine.runtime.compile` does it, in a process of its own.

    `target` is the compute capability of another machine's card, as in sm86; empty, this machine is meant.
    """

    precision: ClassVar[str]  # of what is compiled
    compiled_by: ClassVar[tuple[str, ...]]  # modules whose code the result depends on, beside the network's
    portable: ClassVar[bool] = False  # whether it can be compiled for the cards of other machines

    @classmethod
    def compile_facts(cls, target: str, batch: int) -> Mapping[str, str]:
        """What the result depends on beside the model, the versions and the code, by name."""
        return {}

    @classmethod
    @abstractmethod
    def compile(cls, card: ModelCard, folder: Path, target: str, batch: int, say: Say) -> Mapping[str, Any]:
        """Write the compiled model into `folder`, for `batch` pictures at once; notes for its manifest."""
