"""The benchmark for cards, as far as it goes without one: what it counts, what it plans, and what it says where there is none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runtime.nvidia import cards
from tools.bench_gpu import NETWORKS, QUICK, Report, Task, ask, goals, measured, planned, references
from tools.gpu_floors import count


def test_stylegan2_1024_costs_what_it_is_known_to_cost() -> None:
    """148 GFLOP in its transposed-convolution form, and a little for its low-pass filters."""
    found = count("stylegan2", NETWORKS["stylegan2-1024"]["config"], 1)
    assert 148.0 < found["gflop"] < 152.0
    assert 0.5 < found["gb"] < 1.0  # maps of 131 MB a convolution of every size, in half, read and written
    assert count("stylegan2", NETWORKS["stylegan2-1024"]["config"], 7)["gflop"] == pytest.approx(7 * found["gflop"])


def test_a_quick_run_is_part_of_the_whole_and_begins_with_the_goals() -> None:
    whole = planned(False)
    assert set(planned(True)) <= set(whole)
    assert len(set(planned(True))) == len(QUICK)
    assert [task.network for task in planned(True)[:3]] == ["stylegan2-1024", "stylegan2-1024", "biggan-deep-512"]


def test_what_was_found_is_in_the_file_at_once_with_its_raw_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(tmp_path / "gpu.json")
    found = {"fps": 400.0, "ms_p50": 2.5, "ms_p99": 3.0, "times_floor": 13.1, "samples_ms": [2.5], "host_samples_ms": [3.0]}
    report.put_run(Task("stylegan2-1024", "graph", 1), found)
    report.put_run(Task("stylegan2-1024", "reference", 1), {"fps": 80.0, "ms_p50": 12.5, "ms_p99": 13.0})
    report.put_run(Task("biggan-deep-512", "graph", 1), {"failed": "out of memory"})
    kept = json.loads((tmp_path / "gpu.json").read_text())
    assert kept["samples"]["stylegan2-1024 graph x1"]["samples_ms"] == [2.5]
    reached = goals(report.figures)
    assert reached["stylegan2-1024: frames/s"] == (400.0, ">= 300")
    assert reached["stylegan2-1024: times the reference"] == (5.0, ">= 3.0")
    assert reached["stylegan2-1024 graph: times its floor"] == (13.1, "<= 4.0")
    assert reached["biggan-deep-512: frames/s"] == (None, ">= 200")
    report.put_run(Task("stylegan2-1024", "reference", 1), {"fps": 9.0, "ms_p50": 1.0, "ms_p99": 1.0, "bias_act_kernels": False})
    assert goals(report.figures)["stylegan2-1024: times the reference"] == (None, ">= 3.0")
    assert "out of memory" in capsys.readouterr().out


def test_what_is_missing_is_named() -> None:
    assert references(None) == {"stylegan2-ada-pytorch": "missing", "stylegan3": "missing"}
    found = measured(Task("stylegan2-256", "reference", 1), {"stylegan2-256": Path()}, None, 1.0, 60.0, {})
    assert found == {"skipped": "no checkout of stylegan2-ada-pytorch"}
    assert ask([sys.executable, "-c", "raise SystemExit('no card here')"], 60.0)["failed"] == "no card here"
    assert ask([sys.executable, "-c", "import time; time.sleep(60)"], 0.5)["failed"] == "not done after 0.5 s"


@pytest.mark.skipif(bool(cards()), reason="there is an NVIDIA card")
def test_without_a_card_it_says_so_and_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.bench_gpu", "--json", str(tmp_path / "gpu.json"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "expected an NVIDIA card and PyTorch for CUDA; got" in done.stdout
    assert "failed" in json.loads((tmp_path / "gpu.json").read_text())["rates"]
