"""Compiled models, as OpenVINO's graphs and TensorRT's plans: which runtimes play them, and what they depend on.

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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import engine
from engine.core.registry import PACKAGES, source_module
from engine.runtime.available import backend, compiled_runtimes
from engine.runtime.backend import CompiledBackend
from engine.runtime.cache import DamagedError, Entry
from engine.runtime.card import ModelCard

CONVERTERS = ("torch", "onnx", "onnxscript")
Say = Callable[[str], None]


def entry(card: ModelCard, runtime: str, target: str = "", batch: int = 1) -> Entry | None:
    """Where the compiled form of a model is kept, for `batch` pictures at once; None for a runtime that needs none.

    `target` is another card's compute capability, as in sm86; without it, this machine's.
    """
    found = backend(runtime)
    if not issubclass(found, CompiledBackend):
        return None
    facts = {
        "architecture": card.architecture,
        "weights": card.sha256,
        "config": json.dumps(card.config, sort_keys=True, default=str),
        "precision": found.precision,
        "sources": _sources(card, found.compiled_by),
        "runtime": found.requirements.installed() or "none",
        "converters": " ".join(f"{name} {_version(name)}" for name in CONVERTERS),
    }
    return Entry(runtime, card.name, {**facts, **found.compile_facts(target, batch)})


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
        raise ValueError(f"expected a runtime that compiles models, one of {', '.join(compiled_runtimes())}; got {runtime!r}")
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


def _sources(card: ModelCard, made_by: Sequence[str]) -> str:
    """The hash of the code that makes it."""
    digest = hashlib.sha256()
    own = _file(PACKAGES["architecture"]).parent
    files = [*sorted(own.rglob("*.py")), *(_file(module) for module in ("engine.runtime.picture_network", *made_by))]
    with contextlib.suppress(LookupError):  # it is refused when it is loaded
        network = _file(source_module("architecture", card.architecture))
        files += [] if network.is_relative_to(own) else [network]  # of an installed package
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _file(module: str) -> Path:
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


def _version(package: str) -> str:
    """Without what only says for which machine it was built: plans are also made for machines elsewhere."""
    try:
        return importlib.metadata.version(package).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "none"
