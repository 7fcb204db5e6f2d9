"""What was found in a file: an architecture of ours, its settings, and its tensors by the names they have here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.studio.checkpoint.lazy_tensor import Weight


@dataclass(frozen=True, slots=True)
class Found:
    """A network that may be made: `weights` are read, checked and converted when it is written."""

    architecture: str
    config: dict[str, Any]
    weights: Mapping[str, Weight]
    source: str  # what kind of checkpoint it was
    classes: tuple[str, ...] = ()  # by name, where the source has names
    licence: str = ""
