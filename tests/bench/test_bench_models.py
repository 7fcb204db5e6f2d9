import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from engine.bench.model_rates import Contender, Subject, measure, subjects, write_random

KEYS = {"fps", "ms_p50", "ms_p99", "gmac", "params", "reference_fps", "parity", "runtime"}
LAYERS = [[True, 16, 8], [True, 8, 4], [True, 4, 2], [False, 2, 1]]
CONFIG = {"resolution": 32, "ch": 4, "num_classes": 5, "z_dim": 8, "hf_compat": False, "layers": LAYERS, "attention": 2}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A small BigGAN-deep of random weights, with its reference where that is installed."""
    scratch = tmp_path_factory.mktemp("models")
    write_random(scratch / "small", {"name": "small", "architecture": "biggan_deep", "config": CONFIG})
    referred = find_spec("pytorch_pretrained_biggan") is not None
    return Subject(scratch / "small", referred=referred, cache=scratch / "cache")


@pytest.fixture(scope="module")
def figures(small: Subject) -> dict[str, Any]:
    return measure({"small": small}, seconds=0.2, rounds=2, threads=1)


def test_a_model_has_all_figures(figures: dict[str, Any]) -> None:
    found = figures["models"]["small"]
    assert found.keys() >= KEYS
    assert found["fps"] == max(found["openvino_fps"], found["torch_fps"])
    assert 0 < found["ms_p50"] <= found["ms_p99"]
    assert 0 < found["gmac"] < 0.1
    assert found["params"] > 1000
    assert found["between_runtimes"] <= 1 / 255
    json.dumps(figures)


def test_each_runtime_drew_in_each_turn_for_as_long_as_it_was_asked_to(figures: dict[str, Any], small: Subject) -> None:
    samples = figures["samples"]["small"]
    assert set(samples) == {"openvino", "torch", *(["reference"] if small.referred else [])}
    for turns in samples.values():
        assert len(turns) == 2
        assert all(sum(clock for clock, _ in turn) >= 150 for turn in turns)
        assert all(0 < processor < 1.5 * clock + 10 for turn in turns for clock, processor in turn)  # one thread


def test_the_reference_draws_the_same_from_the_same_weights(figures: dict[str, Any], small: Subject) -> None:
    if not small.referred:
        pytest.skip("pytorch-pretrained-biggan is not installed")
    found = figures["models"]["small"]
    assert 0 < found["parity"] < 1e-5
    assert found["times_reference"] == pytest.approx(found["fps"] / found["reference_fps"], abs=0.01)


def test_a_model_that_cannot_be_drawn_is_named(small: Subject, tmp_path: Path) -> None:
    contender = Contender(Subject(tmp_path / "nothing"), "torch", 1)
    with pytest.raises(RuntimeError, match=r"expected torch to draw .*nothing; got .*model\.toml"):
        contender.answer()
    contender.close()
    with pytest.raises(RuntimeError, match="expected a model in"):
        write_random(tmp_path / "bad", {"name": "bad", "architecture": "biggan_deep", "config": {}})


def test_nothing_is_measured_of_a_model_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.bench.model_rates.PUBLISHED", {})  # the shelf alone
    with subjects(None) as found:
        assert "light" in found
        assert not found["light"].referred


def test_the_measuring_process_does_without_torch() -> None:
    code = "import sys, engine.bench.model_rates; print('torch' in sys.modules, 'openvino' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
