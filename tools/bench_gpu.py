"""How fast models draw on an NVIDIA card, and how far from what is possible: `python -m tools.bench_gpu --json FILE`.

`--reference DIR` holds checkouts of github.com/NVlabs/stylegan2-ada-pytorch and .../stylegan3, to compare with; their code is
run. `--quick` takes less than eight minutes. Every network in every form has a process of its own, one after the other; the
file is written anew after each, so that what was measured is kept whatever happens. What is missing here is said in it.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.model_rates import CHECKOUTS, PUBLISHED, write_random
from engine.core.resources import find

STYLEGAN = {"z_dim": 512, "w_dim": 512, "c_dim": 0, "channel_base": 32768, "channel_max": 512, "conv_clamp": 256.0}
BIGGAN = {"ch": 128, "num_classes": 1000, "z_dim": 128, "hf_compat": False}
NETWORKS: dict[str, dict[str, Any]] = {
    **{
        f"stylegan2-{side}": {"architecture": "stylegan2", "config": {"resolution": side, **STYLEGAN, "mapping_layers": 8}}
        for side in (256, 512, 1024)
    },
    "stylegan3-t-512": {
        "architecture": "stylegan3",
        "config": {"resolution": 512, "kind": "t", **STYLEGAN, "mapping_layers": 2},
    },
    **{
        f"biggan-deep-{side}": {"architecture": "biggan_deep", "config": {"resolution": side, **BIGGAN}}
        for side in (128, 256, 512)
    },
}
BUNDLED = ("light",)
FORMS = ("reference", "eager", "graph", "compiled", "tensorrt", "tensorrt-rtx")
# The order in which a quick run measures: what the goals are about first, for whatever time there is.
QUICK = (
    ("stylegan2-1024", "graph", 1),
    ("stylegan2-1024", "reference", 1),
    ("biggan-deep-512", "graph", 1),
    ("stylegan2-1024", "compiled", 1),
    ("light", "graph", 1),
    ("stylegan2-1024", "eager", 1),
    ("biggan-deep-512", "eager", 1),
    ("stylegan2-256", "graph", 1),
    ("stylegan2-1024", "graph", 7),
    ("stylegan3-t-512", "graph", 1),
    ("stylegan3-t-512", "eager", 1),
    ("stylegan3-t-512", "reference", 1),
    ("biggan-deep-512", "compiled", 1),
    ("light", "compiled", 1),
    ("stylegan2-1024", "tensorrt", 1),
    ("biggan-deep-512", "graph", 7),
    ("stylegan2-512", "graph", 1),
    ("biggan-deep-128", "graph", 1),
)
QUICK_S, WHOLE_S = 400.0, 7200.0
LEAST_S = 20.0  # a process that has less is not begun
LIMIT_S = {"compiled": 240.0, "tensorrt": 600.0, "tensorrt-rtx": 600.0, "reference": 240.0}  # of one process; else 150 s
SHOW_LIMIT_S = 180.0
GOALS = {"stylegan2-1024": 300.0, "biggan-deep-512": 200.0}  # frames/s on an H200, one picture at a time
TIMES_REFERENCE, TIMES_FLOOR = 3.0, 4.0


@dataclass(frozen=True)
class Task:
    """One process: a network in one form."""

    network: str
    form: str
    batch: int

    @property
    def name(self) -> str:
        return f"{self.network} {self.form} x{self.batch}"


class Report:
    """What was found so far, in a file."""

    def __init__(self, path: Path) -> None:
        self._path, self._began = path, time.monotonic()
        self.figures: dict[str, Any] = {"runs": {}, "samples": {}}

    @property
    def spent_s(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def put(self, **found: Any) -> None:
        """Add to it, and write all of it."""
        self.figures |= found | {"seconds": round(self.spent_s, 1)}
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self.figures, indent=1), encoding="utf-8")
        part.replace(self._path)

    def put_run(self, task: Task, found: dict[str, Any]) -> None:
        """One process's figures, its raw samples apart; told on a line."""
        samples = {key: found.pop(key) for key in ("samples_ms", "host_samples_ms") if key in found}
        self.figures["runs"][task.name] = found
        self.figures["samples"][task.name] = samples
        self.put()
        told = found.get("skipped") or found.get("failed") or self._told(found)
        print(f"{self.spent_s:6.1f} s  {task.name:34} {told}", flush=True)

    @staticmethod
    def _told(found: dict[str, Any]) -> str:
        floor = f"  {found['times_floor']:.1f} times its floor" if "times_floor" in found else ""
        return f"{found['fps']:8.1f} frames/s  ms {found['ms_p50']:.3f} p99 {found['ms_p99']:.3f}{floor}"


def main() -> None:
    """Measure; ends with 1 where nothing could be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="all figures and raw samples")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="folder with checkouts of NVIDIA's repositories")
    parser.add_argument("--quick", action="store_true", help="the most important ones, in less than eight minutes")
    parser.add_argument("--seconds", type=float, help="how long each form draws (3, quick 1.5)")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="end by then; what is not begun or not done is said")
    parser.add_argument("--only", action="append", metavar="NETWORK", help="this network; may be given more than once")
    parser.add_argument("--form", action="append", choices=FORMS, help="this form; may be given more than once")
    parser.add_argument("--batch", action="append", type=int, help="so many pictures a call; may be given more than once")
    parser.add_argument("--no-show", action="store_true", help="leave out the way to the stage and the whole show")
    given = parser.parse_args()
    report = Report(given.json)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    report.put(reference=references(given.reference), quick=given.quick)
    rates = ask([sys.executable, "-m", "tools.gpu_floors"], 120.0)
    report.put(rates=rates)
    if "failed" in rates:
        print(f"expected an NVIDIA card and PyTorch for CUDA; got {rates['failed']}")
        sys.exit(1)
    print(f"{rates['card']}: {rates['tflops']:.0f} TFLOP/s, {rates['tb_s']:.2f} TB/s", flush=True)
    seconds = given.seconds or (1.5 if given.quick else 3.0)
    budget_s = given.budget or (QUICK_S if given.quick else WHOLE_S)
    tasks = [task for task in planned(given.quick) if chosen(task, given)]
    with written({task.network for task in tasks}) as folders:
        report.put(floors=floors(tasks, rates))
        for task in tasks:
            left_s = budget_s - report.spent_s
            if left_s < LEAST_S:
                report.put_run(task, {"skipped": f"{budget_s:.0f} s were over"})
                continue
            limit_s = min(LIMIT_S.get(task.form, 150.0), round(left_s, 1))
            report.put_run(task, measured(task, folders, given.reference, seconds, limit_s, report.figures["floors"]))
    if not given.no_show:
        for name in ("transfer", "show"):
            left_s = budget_s - report.spent_s
            if left_s < LEAST_S:
                report.put(**{name: {"skipped": f"{budget_s:.0f} s were over"}})
            else:
                show = [sys.executable, "-m", "tools.gpu_show", name, "quick" if given.quick else "whole"]
                report.put(**{name: ask(show, min(SHOW_LIMIT_S, left_s))})
            print(f"{report.spent_s:6.1f} s  {name}: {shortly(report.figures[name])}", flush=True)
    report.put(goals=goals(report.figures))
    for name, (reached, goal) in report.figures["goals"].items():
        print(f"{name:44} {reached if reached is not None else 'not measured'}  goal {goal}")


def planned(quick: bool) -> list[Task]:
    """All there is to measure, in the order in which it is."""
    if quick:
        return [Task(*row) for row in QUICK]
    names = (*NETWORKS, *BUNDLED)
    return [Task(name, form, batch) for batch in (1, 7) for form in FORMS for name in names]


def chosen(task: Task, given: argparse.Namespace) -> bool:
    """Whether it was asked for."""
    asked = ((given.only, task.network), (given.form, task.form), (given.batch, task.batch))
    return all(not wanted or value in wanted for wanted, value in asked)


@contextmanager
def written(names: set[str]) -> Iterator[dict[str, Path | str]]:
    """Folders of the models by name, or why there is none. Those of random weights are written for the purpose, at once."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(max(2, min(6, (os.cpu_count() or 2) // 2))) as pool:

        def write(name: str) -> Path | str:
            if name not in NETWORKS:
                return find("models", name)
            try:
                write_random(Path(scratch) / name, {"name": name, **NETWORKS[name]})
            except RuntimeError as error:
                return str(error)
            return Path(scratch) / name

        yield dict(zip(sorted(names), pool.map(write, sorted(names)), strict=True))


def floors(tasks: Sequence[Task], rates: dict[str, Any]) -> dict[str, Any]:
    """GFLOP and GB of each network and batch, and the milliseconds that they take at the measured rates."""
    wanted = []
    for name, batch in sorted({(task.network, task.batch) for task in tasks}):
        described = NETWORKS.get(name) or tomllib.loads((find("models", name) / "model.toml").read_text(encoding="utf-8"))
        wanted.append((name, described["architecture"], described["config"], batch))
    counted = ask([sys.executable, "-m", "tools.gpu_floors", json.dumps(wanted)], 300.0)
    if "failed" in counted:
        return counted
    for found in counted.values():
        found["arithmetic_ms"] = found["gflop"] / rates["tflops"]
        found["bytes_ms"] = found["gb"] / rates["tb_s"]
        found["floor_ms"] = max(found["arithmetic_ms"], found["bytes_ms"])
    return counted


def measured(
    task: Task, folders: dict[str, Path | str], reference: Path | None, seconds: float, limit_s: float, floor: dict[str, Any]
) -> dict[str, Any]:
    """The figures of one process, or why there are none."""
    folder = folders[task.network]
    if isinstance(folder, str):
        return {"failed": folder}
    order = {"model": str(folder), "form": task.form, "batch": task.batch, "seconds": seconds, "checkout": ""}
    if task.form == "reference":
        architecture = NETWORKS.get(task.network, {}).get("architecture")
        checkout = CHECKOUTS.get(architecture or "")
        place = reference / checkout if reference and checkout else None
        if architecture is None or (checkout and (place is None or not place.is_dir())):
            return {"skipped": "there is no reference" if architecture is None else f"no checkout of {checkout}"}
        order["checkout"] = str(place.resolve()) if place else ""
    found = ask([sys.executable, "-m", "tools.gpu_contender", json.dumps(order)], limit_s)
    if "failed" in found:
        return found
    spent = np.array(found["samples_ms"])
    found |= {
        "ms_p50": float(np.percentile(spent, 50)),
        "ms_p99": float(np.percentile(spent, 99)),
        "fps": 1e3 * task.batch / float(spent.mean()),
        "host_ms_p50": float(np.percentile(found["host_samples_ms"], 50)),
    }
    counted = floor.get(f"{task.network} x{task.batch}")
    return found | ({"times_floor": found["ms_p50"] / counted["floor_ms"]} if counted else {})


def goals(figures: dict[str, Any]) -> dict[str, tuple[float | None, str]]:
    """What was reached of what was aimed at, one picture at a time, in the fastest of our forms.

    A reference whose own kernels could not be built is no measure.
    """
    best: dict[str, dict[str, Any]] = {}
    for name, found in figures["runs"].items():
        network, form, batch = name.rsplit(" ", 2)
        if "fps" in found and form != "reference" and batch == "x1" and found["fps"] > best.get(network, {"fps": 0.0})["fps"]:
            best[network] = found | {"form": form}
    reached: dict[str, tuple[float | None, str]] = {}
    for network, goal in GOALS.items():
        fps = best.get(network, {}).get("fps")
        reached[f"{network}: frames/s"] = (None if fps is None else round(fps, 1), f">= {goal:.0f}")
    reference = figures["runs"].get("stylegan2-1024 reference x1", {})
    whole = all(built for name, built in reference.items() if name.endswith("_kernels"))
    theirs = reference.get("fps") if whole else None
    ours = best.get("stylegan2-1024", {}).get("fps")
    reached["stylegan2-1024: times the reference"] = (
        round(ours / theirs, 2) if ours and theirs else None,
        f">= {TIMES_REFERENCE}",
    )
    for network, found in best.items():
        if "times_floor" in found:
            reached[f"{network} {found['form']}: times its floor"] = (round(found["times_floor"], 1), f"<= {TIMES_FLOOR}")
    return reached


def ask(command: Sequence[str], limit_s: float) -> dict[str, Any]:
    """The last line that a process prints, as JSON; `failed` with its last words where there is none."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {limit_s:g} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failed": words[-1], "words": words[-12:]}
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except ValueError:
        return {"failed": f"expected figures; got {lines[-1]}", "words": lines[-12:]}
    return found


def references(folder: Path | None) -> dict[str, str]:
    """The checkouts that are there, each by its commit, or by a hash of its source where git cannot tell."""
    found = {}
    for name in sorted(set(CHECKOUTS.values())):
        place = folder / name if folder else None
        if place is None or not place.is_dir():
            found[name] = "missing"
            continue
        asked = subprocess.run(["git", "-C", str(place), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        digest = hashlib.sha256()
        for file in sorted(path for path in place.rglob("*") if path.suffix in {".py", ".cu", ".cpp", ".h"}):
            digest.update(file.relative_to(place).as_posix().encode() + file.read_bytes())
        commit = asked.stdout.strip() if asked.returncode == 0 and (place / ".git").exists() else "no commit"
        found[name] = f"{commit}, source {digest.hexdigest()[:16]}"
        print(f"{name}: {found[name]}", flush=True)
    return found


def shortly(found: dict[str, Any]) -> str:
    """A part of the report on one line."""
    return json.dumps({key: value for key, value in found.items() if not isinstance(value, list | dict)})


assert PUBLISHED["stylegan2-256"]["config"] == NETWORKS["stylegan2-256"]["config"]


if __name__ == "__main__":
    main()
