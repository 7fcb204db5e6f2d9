"""What one training run is asked to be: the command line, checked once and then trusted."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEVICES = ("auto", "cpu", "cuda")
_DEFAULT_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Every:
    """How often something is done: every so many steps, or every so many seconds."""

    steps: int = 0
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Every":
        """`500` is steps, `2m` is minutes. Raises ValueError."""
        match = re.fullmatch(r"(?P<steps>\d+)|(?P<minutes>\d+(\.\d+)?)m", text)
        every = cls(int(match["steps"] or 0), 60 * float(match["minutes"] or 0)) if match else cls()
        if every == cls():
            raise ValueError(f"expected steps (500) or minutes (2m) above 0 for --checkpoint-every; got {text!r}")
        return every

    def due(self, steps: int, seconds: float) -> bool:
        """Whether it is time, `steps` and `seconds` after the last."""
        return steps >= self.steps if self.steps else seconds >= self.seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of `clavilux train`. `changes` are values of the recipe's own settings, which its preset has too."""

    data: Path
    run: Path
    recipe: str = "light"
    begin: Path | None = None  # a model's folder to go on from
    config: Path | None = None  # a preset, or a model's card
    steps: int | None = None
    minutes: float | None = None
    batch: int | None = None
    threads: int | None = None
    seed: int = 0
    device: str = "auto"
    checkpoint_every: Every = field(default_factory=lambda: Every(seconds=120.0))
    look_every: int = 1000  # steps
    export: Path | None = None
    vgg: Path | None = None
    features: Path | None = None
    as_json: bool = False  # what the terminal gets
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> tuple[float, float]:
        """After how many steps and after how many seconds of training it ends, whichever comes first."""
        minutes = _DEFAULT_MINUTES if self.minutes is None and self.steps is None else self.minutes
        return (
            float("inf") if self.steps is None else float(self.steps),
            float("inf") if minutes is None else 60 * minutes,
        )

    def progress(self, step: int, seconds: float) -> float:
        """How far the run has come, 0..1. With steps given and no minutes it is the same on any machine."""
        return min(1.0, max((done / whole if whole else 1.0) for done, whole in zip((step, seconds), self.end, strict=True)))
