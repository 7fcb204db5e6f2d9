"""How fast models draw on this machine: each runtime in a process of its own, in turns, never two at once.

Beside the models on the shelf, networks of published sizes with random weights are measured, and next to them, where it is
at hand, the network that each was written after.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.model_speed import REFERENCE
from engine.core.resources import models

RUNTIMES = ("openvino", "torch")
Samples = dict[str, list[list[tuple[float, float]]]]  # runtime -> turns -> frames: milliseconds of clock and processor
PACKAGE = "pytorch_pretrained_biggan"
_STYLEGAN = {"z_dim": 512, "w_dim": 512, "c_dim": 0, "channel_base": 32768, "channel_max": 512, "mapping_layers": 8}
_BIGGAN = {"ch": 128, "num_classes": 1000, "z_dim": 128, "hf_compat": False}
PUBLISHED: dict[str, dict[str, Any]] = {
    "stylegan2-256": {"architecture": "stylegan2", "config": {"resolution": 256, **_STYLEGAN, "conv_clamp": 256.0}},
    "stylegan3-t-256": {
        "architecture": "stylegan3",
        "config": {"resolution": 256, "kind": "t", **_STYLEGAN, "mapping_layers": 2, "conv_clamp": 256.0},
    },
    "biggan-deep-128": {"architecture": "biggan_deep", "config": {"resolution": 128, **_BIGGAN}},
}
CHECKOUTS = {"stylegan2": "stylegan2-ada-pytorch", "stylegan3": "stylegan3"}  # architecture: folder of its reference


@dataclass(frozen=True)
class Subject:
    """A model to measure, and how its reference is found: no checkout is an installed package."""

    folder: Path
    referred: bool = False  # whether there is a reference
    checkout: Path | None = None
    cache: Path | None = None  # where compiled graphs go; None: where they always go


class Contender:
    """A model in one runtime, in a process of its own that draws only when asked."""

    def __init__(self, subject: Subject, runtime: str, threads: int) -> None:
        self._what = f"{runtime} to draw {subject.folder}"
        order = {"model": str(subject.folder), "runtime": runtime, "threads": threads}
        order["checkout"] = str(subject.checkout) if subject.checkout else ""
        environment = dict(os.environ)
        if subject.cache:
            environment["XDG_CACHE_HOME"] = str(subject.cache)
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        self._child = subprocess.Popen(
            [sys.executable, "-m", "engine.bench.model_speed", json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            text=True,
        )

    def answer(self) -> Any:
        """What it says next; the first time, that it is ready. Raises RuntimeError where it ended instead."""
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self._child.wait()
            self._said.seek(0)
            words = self._said.read().strip().splitlines() or [f"exit code {self._child.returncode}"]
            raise RuntimeError(f"expected {self._what}; got {words[-1]}")
        return json.loads(line)

    def ask(self, order: float | str) -> Any:
        """Give an order of engine.bench.model_speed and wait for the answer."""
        assert self._child.stdin is not None
        print(json.dumps(order), file=self._child.stdin, flush=True)
        return self.answer()

    def close(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.communicate()
        self._said.close()


@contextlib.contextmanager
def subjects(reference: Path | None) -> Iterator[dict[str, Subject]]:
    """All that there is to measure by name: the shelf's models and, written for the purpose, the published sizes.

    `reference` holds checkouts of the repositories that CHECKOUTS names.
    """
    found = {folder.name: Subject(folder) for folder in models() if (folder / "model.toml").is_file()}
    with tempfile.TemporaryDirectory() as scratch:
        for name, described in PUBLISHED.items():
            folder = Path(scratch) / name
            write_random(folder, {"name": name, **described})
            checkout = CHECKOUTS.get(described["architecture"])
            place = reference / checkout if reference and checkout else None
            referred = place.is_dir() if place else checkout is None and find_spec(PACKAGE) is not None
            found[name] = Subject(folder, referred, place, Path(scratch) / "cache")
        yield found


def write_random(folder: Path, described: Mapping[str, Any]) -> None:
    """Write a model of random weights, in a process of its own: it needs torch. Raises RuntimeError where it cannot."""
    command = [sys.executable, "-m", "engine.studio.random_model", str(folder), json.dumps(described)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"expected a model in {folder}; got {done.stderr.strip().splitlines()[-1:]}")


def measure(
    found: Mapping[str, Subject],
    seconds: float,
    rounds: int,
    threads: int,
    tell: Callable[[str, dict[str, Any]], None] = lambda name, figures: None,
) -> dict[str, Any]:
    """Figures of every subject, and the raw samples; see `measure_one`. `tell` hears of each subject when it is done."""
    models, samples = {}, {}
    for name, subject in found.items():
        models[name], samples[name] = measure_one(subject, seconds, rounds, threads)
        tell(name, models[name])
    return {"threads": threads, "seconds": seconds, "rounds": rounds, "models": models, "samples": samples}


def measure_one(subject: Subject, seconds: float, rounds: int, threads: int) -> tuple[dict[str, Any], Samples]:
    """Draw in `rounds` turns of `seconds` each; figures, and each frame's milliseconds of clock and processor.

    fps, ms_p50 and ms_p99 are those of our fastest runtime; cpu_ms are a frame's processor time, all threads together, which
    other work on the machine lengthens less. parity is the largest difference between our picture and the
    reference's in torch, as a share of its largest value; without a reference, between OpenVINO's bytes and torch's, as a
    share of 255. Raises RuntimeError where a model cannot be drawn.
    """
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as scratch:
        drawing = {}
        for runtime in (*RUNTIMES, REFERENCE) if subject.referred else RUNTIMES:
            drawing[runtime] = Contender(subject, runtime, threads)
            stack.callback(drawing[runtime].close)
        said = {runtime: contender.answer() for runtime, contender in drawing.items()}
        pictures = []
        for runtime in RUNTIMES:
            drawing[runtime].ask(f"{scratch}/{runtime}.npy")
            pictures.append(np.load(f"{scratch}/{runtime}.npy").astype(int))
        samples: Samples = {runtime: [] for runtime in drawing}
        for _ in range(rounds):
            for runtime, contender in drawing.items():
                samples[runtime].append(contender.ask(seconds))
    spent = {runtime: np.concatenate(turns) for runtime, turns in samples.items()}
    fps = {runtime: round(1e3 / float(one[:, 0].mean()), 2) for runtime, one in spent.items()}
    cpu_ms = {runtime: round(float(np.median(one[:, 1])), 2) for runtime, one in spent.items()}
    best = max(RUNTIMES, key=lambda runtime: fps[runtime])
    between = float(np.abs(pictures[0] - pictures[1]).max() / 255)
    card = tomllib.loads((subject.folder / "model.toml").read_text(encoding="utf-8"))
    return {
        "fps": fps[best],
        "ms_p50": round(float(np.percentile(spent[best][:, 0], 50)), 2),
        "ms_p99": round(float(np.percentile(spent[best][:, 0], 99)), 2),
        "gmac": card.get("gmac"),
        "params": card.get("params"),
        "reference_fps": fps.get(REFERENCE),
        "parity": said[REFERENCE]["parity"] if subject.referred else between,
        "runtime": best,
        **{f"{runtime}_fps": fps[runtime] for runtime in RUNTIMES},
        **{f"{runtime}_cpu_ms": cpu_ms[runtime] for runtime in drawing},
        "times_reference": round(fps[best] / fps[REFERENCE], 2) if subject.referred else None,
        "between_runtimes": between,
    }, samples
