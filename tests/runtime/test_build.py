"""`clavilux build` as somebody uses it who prepares a show for cards that are elsewhere."""

import json
import re
from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner

from engine.commands.build import command
from engine.core.resources import find
from engine.runtime.accuracy_check import PROOF, proofs
from engine.runtime.backends.torch import TorchGenerator
from engine.runtime.cache import MANIFEST
from engine.runtime.card import load_card
from engine.runtime.compile.compiled_model import Compilation, entry
from engine.runtime.nvidia import cards
from engine.studio import random_model

pytestmark = pytest.mark.skipif(find_spec("tensorrt_rtx_bindings") is None, reason="TensorRT for RTX is not installed")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folders of the bundled model's plans for two cards, and what was printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        done = CliRunner().invoke(command, ["light", "--for", "sm86,sm120"])
        assert done.exit_code == 0, done.output
        card = load_card(find("models", "light"), verify=False)
        yield [entry(card, "tensorrt-rtx", target) for target in ("sm86", "sm120")], done.output


def test_each_card_has_plans_of_its_own_and_progress_is_told(built):
    kept, said = built
    assert all(one.ready for one in kept)
    assert all(str(one.folder) in said for one in kept)
    assert "exporting" in said
    assert "building" in said
    plans = [(one.folder / "0.plan").read_bytes() for one in kept]
    assert plans[0] != plans[1]


def test_convolutions_are_half_and_the_manifest_says_so(built):
    for one in built[0]:
        work = one.check()["plan 0"]
        assert work["convolution in float16"] >= 10
        assert json.loads((one.folder / MANIFEST).read_text())["facts"]["precision"] == "float16"


def test_the_proof_beside_a_plan_is_what_the_network_draws(built):
    drawing = TorchGenerator(load_card(find("models", "light")), 1, print)
    for one in built[0]:
        states = list(proofs(one.folder / PROOF))
        assert states
        for state, expected in states:
            found = np.empty_like(expected)
            drawing.step(state, found)
            assert np.abs(found.astype(int) - expected).max() <= 1
            assert expected[..., :3].std() > 5


def test_plans_for_several_screens_are_apart_from_those_for_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    small = {"resolution": 16, "ch": 8, "num_classes": 3, "z_dim": 8, "hf_compat": False, "attention": 2}
    layers = [[False, 4, 4], [True, 4, 4], [True, 4, 2]]
    random_model.write(tmp_path / "small", "small", "biggan_deep", {**small, "layers": layers})
    card, kept = load_card(tmp_path / "small"), []
    for batch in (1, 7):
        Compilation(card, "tensorrt-rtx", "sm89", batch).finish(lambda words: None)
        kept.append(entry(card, "tensorrt-rtx", "sm89", batch))
    assert kept[0].folder != kept[1].folder
    plans = [(one.folder / "0.plan").read_bytes() for one in kept if one.check()]
    assert plans[0] != plans[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--for", "sm90"], "made for, .*8.9.*; got 9.0"),
        (["--for", "gtx"], "expected compute capabilities such as sm86,sm89,sm120; got 'gtx'"),
        (["--runtime", "openvino", "--for", "sm86"], "openvino builds for this machine alone"),
        (["--runtime", "cuda"], "expected a runtime that models are compiled for, one of .*; got cuda"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(words, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = CliRunner().invoke(command, ["light", *words])
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    (found,) = [line for line in done.output.splitlines() if "rror: " in line]
    assert re.search(expected, found), found
    assert not list(tmp_path.rglob("*.plan"))


def test_without_a_card_tensorrt_says_so(monkeypatch):
    if cards():
        pytest.skip("there is an NVIDIA card")
    done = CliRunner().invoke(command, ["light", "--runtime", "tensorrt-rtx"])
    assert done.exit_code == 1
    assert "got tensorrt-rtx: no NVIDIA card answers; with --for it builds for other cards" in done.output
