"""Checkpoints of a run: written beside and renamed, the last two kept, and none trusted that is not whole.

The name carries the step and the beginning of the file's sha256, so that one rename publishes both:
`00001200-1f0c9a3b7d52.pt`. Files are read with weights_only: nothing in them is executed.
"""

import hashlib
import os
import pickle
import re
from pathlib import Path
from typing import Any

import torch

KEPT = 2
_NAME = re.compile(r"(?P<step>\d{8,})-(?P<digest>[0-9a-f]{12})\.pt")


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Writes the state of `step` and removes all but the newest two. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "writing.part"
    with part.open("wb") as opened:
        torch.save(state, opened)
        opened.flush()
        os.fsync(opened.fileno())
    file = folder / f"{step:08d}-{_digest(part)}.pt"
    os.replace(part, file)
    older = [path for path in found(folder) if path != file]
    for path in older[KEPT - 1 :]:
        path.unlink()
    return file


def found(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, newest step first."""
    if not folder.is_dir():
        return []
    named = [(int(match["step"]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(named, reverse=True)]


def newest(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest state that is whole, and what was wrong with newer ones.

    Its tensors are on the processor: whoever takes it over moves to a card what belongs there. Adam's counters, which it reads
    at every step, do not.

    None where there is no checkpoint. Raises ValueError where there are some and none is whole.
    """
    faults = []
    for path in found(folder):
        match = _NAME.fullmatch(path.name)
        try:
            if match is None or _digest(path) != match["digest"]:
                raise ValueError("it does not have the sha256 of its name")
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, ValueError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
            faults.append(f"expected a whole checkpoint in {path}; got {error}")
            continue
        return state, faults
    if faults:
        raise ValueError(f"{faults[0]}; no other is whole. Begin a new run, or remove the damaged ones to begin this one anew")
    return None, faults


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:12]
