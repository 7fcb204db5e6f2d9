"""Compiled models: OpenVINO's graphs and TensorRT's plans, which runtimes play, and what they depend on.

They are compiled in a process of their own (`engine.runtime.compile.compiler`), so that neither the show nor the generator
that plays loads torch for it, or waits.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import engine
from engine.core.registry import PACKAGES
from engine.runtime.available import installed
from engine.runtime.cache import DamagedError, Entry
from engine.runtime.card import ModelCard
from engine.runtime.nvidia import NvidiaCard, cards

COMPILED = ("openvino", "tensorrt", "tensorrt-rtx")  # the others play a model as it is
PRECISION = {"openvino": "float32", "tensorrt": "float16", "tensorrt-rtx": "float16"}
MADE_BY = {
    "openvino": ("openvino_ir.py",),
    "tensorrt": ("onnx_export.py", "tensorrt_plan.py"),
    "tensorrt-rtx": ("onnx_export.py", "tensorrt_plan.py"),
}
CONVERTERS = ("torch", "onnx", "onnxscript")
Say = Callable[[str], None]


def entry(card: ModelCard, runtime: str, target: str = "", batch: int = 1) -> Entry | None:
    """Where the compiled form of a model is kept, for `batch` pictures at once; None for a runtime that needs none.

    `target` is another card's compute capability, as in sm86; without it, this machine's.
    """
    if runtime not in COMPILED:
        return None
    facts = {
        "architecture": card.architecture,
        "weights": card.sha256,
        "config": json.dumps(card.config, sort_keys=True, default=str),
        "precision": PRECISION[runtime],
        "sources": _sources(runtime),
        "runtime": installed(runtime) or "none",
        "converters": " ".join(f"{name} {_version(name)}" for name in CONVERTERS),
    }
    if runtime != "openvino":
        facts |= {"pictures": str(batch), **_card_facts(runtime, target)}
    return Entry(runtime, card.name, facts)


def ready(card: ModelCard, runtime: str, batch: int = 1) -> bool:
    """Whether a model can be played at once; what is damaged, or in a cache that cannot be read, is not there."""
    kept = entry(card, runtime, batch=batch)
    if kept is None:
        return True
    with contextlib.suppress(OSError, DamagedError):
        kept.check()
        return True
    return False


def compiled(card: ModelCard, runtime: str, say: Say, batch: int = 1) -> tuple[Path, Mapping[str, Any]]:
    """The folder with the compiled model, whole, and its notes; made now if it is not there, or damaged.

    Raises RuntimeError with what went wrong.
    """
    kept = entry(card, runtime, batch=batch)
    if kept is None:
        raise ValueError(f"expected a runtime that compiles models, one of {', '.join(COMPILED)}; got {runtime!r}")
    if not ready(card, runtime, batch):
        say(f"compiling {card.name} for {runtime}; done once")
        Compilation(card, runtime, batch=batch).finish(say)
    return kept.folder, kept.check()


class Compilation:
    """A process that makes it and puts it in the cache. On Linux it dies with the thread that began it."""

    def __init__(self, card: ModelCard, runtime: str, target: str = "", batch: int = 1) -> None:
        self._what = f"{card.folder} to be compiled for {runtime}"
        order = [runtime, str(card.folder), str(os.getpid()), str(batch), target]
        command = [sys.executable, "-P", "-m", "engine.runtime.compile.compiler", *order]
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by finish()
        self._process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._words, text=True
        )

    def finish(self, say: Say) -> None:
        """Wait for it; `say` hears how far it is. Raises RuntimeError with what went wrong."""
        assert self._process.stdout is not None
        with self._words, self._process.stdout:
            for line in self._process.stdout:
                say(line.strip())
            if self._process.wait() != 0:
                self._words.seek(0)
                last = self._words.read().strip().splitlines() or [f"exit code {self._process.returncode}"]
                raise RuntimeError(f"expected {self._what}; got {last[-1]}")

    def end(self) -> None:
        """End it half-way, which leaves nothing behind; any thread. `finish` then raises."""
        self._process.kill()


def environment() -> dict[str, str]:
    """That of a child process, which finds this package where it is not installed either."""
    paths = [str(Path(engine.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _card_facts(runtime: str, target: str) -> dict[str, str]:
    """What a plan depends on beside the network. Plans of TensorRT for RTX may be made for cards that are elsewhere."""
    here: NvidiaCard | None = cards()[0] if cards() else None
    facts = {"target": target or (here.target if here else "none")}
    return facts if runtime == "tensorrt-rtx" else facts | {"card": here.name, "driver": here.driver} if here else facts


def _sources(runtime: str) -> str:
    """The hash of the code that makes it."""
    digest = hashlib.sha256()
    architectures = importlib.util.find_spec(PACKAGES["architecture"])
    assert architectures is not None
    assert architectures.origin is not None
    here = Path(__file__).parent
    made_by = [here.parent / "picture_network.py", *(here / name for name in MADE_BY[runtime])]
    for file in [*sorted(Path(architectures.origin).parent.rglob("*.py")), *made_by]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _version(package: str) -> str:
    """Without what only says for which machine it was built: plans are also made for machines elsewhere."""
    try:
        return importlib.metadata.version(package).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "none"
