"""What a run says: to people on the terminal, as JSON in log.jsonl, with its pictures in TensorBoard, sheets as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from engine.studio.pace import in_words

LOG = "log.jsonl"
_QUALITY = 85


class Board:
    """Writes into the run's folder. Where TensorBoard is not installed it says so and goes on."""

    def __init__(self, folder: Path, as_json: bool = False) -> None:
        """`as_json`: the terminal gets what log.jsonl does."""
        self.folder, self._as_json = folder, as_json
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / LOG).open("a", encoding="utf-8")
        self._tensorboard: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            self.say({"tensorboard": f"expected the package tensorboard for curves and sheets; got {error}"})
        else:
            self._tensorboard = SummaryWriter(str(folder / "tensorboard"))

    def say(self, line: Mapping[str, Any]) -> None:
        """One line; its numbers are also curves over its `step`, if it has one."""
        text = json.dumps({k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in line.items()}, ensure_ascii=False)
        click.echo(text if self._as_json else spoken(line))
        self._log.write(text + "\n")
        self._log.flush()
        if self._tensorboard is not None and "step" in line:
            for name, value in line.items():
                if isinstance(value, float):
                    self._tensorboard.add_scalar(name, value, line["step"])

    def show(self, name: str, step: int, sheet: Image.Image) -> None:
        """A picture, as sheets/NAME-STEP.webp and in TensorBoard."""
        file = self.folder / "sheets" / f"{name}-{step:08d}.webp"
        file.parent.mkdir(exist_ok=True)
        sheet.save(file, quality=_QUALITY)
        if self._tensorboard is not None:
            self._tensorboard.add_image(name, np.asarray(sheet), step, dataformats="HWC")

    def close(self) -> None:
        """Write what is waiting, and close the files."""
        self._log.close()
        if self._tensorboard is not None:
            self._tensorboard.close()


def spoken(line: Mapping[str, Any]) -> str:
    """A line of a run as people read it."""
    match line:
        case {"recipe": recipe, "from_step": first, "pictures": pictures, "on": device, "in": precision}:
            start = f", from step {first:,}" if first else ""
            return f"training {recipe} on {pictures:,} pictures{start}; {device}, {str(precision).removeprefix('torch.')}"
        case {"model": model}:
            return f"the model is in {model}"
        case {"stopped_at": step}:
            return f"stopped at step {step:,}; the same command goes on from there"
        case {"damaged": fault}:
            return str(fault)
    told = {name: value for name, value in line.items() if name not in ("step", "pictures_per_s", "left_s")}
    words = [f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in told.items()]
    if "step" in line:
        words.insert(0, f"step {line['step']:,}")
    if "pictures_per_s" in line:
        words.append(f"{line['pictures_per_s']:.1f} pictures/s")
    if "left_s" in line:
        words.append(f"{in_words(line['left_s'])} left")
    return ", ".join(words)
