"""What a run says: a line of JSON on the terminal and in log.jsonl, the same and its pictures in TensorBoard, sheets as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

LOG = "log.jsonl"
_QUALITY = 85


class Board:
    """Writes into the run's folder. Where TensorBoard is not installed it says so and goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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
        """One line of JSON; its numbers are also curves over its `step`, if it has one."""
        text = json.dumps({k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in line.items()}, ensure_ascii=False)
        click.echo(text)
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
