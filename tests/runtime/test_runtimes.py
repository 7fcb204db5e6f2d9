import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ticks import draw, latent

from engine.core.registry import lookup
from engine.runtime.card import CardError, load_card
from engine.runtime.compile.compiled_model import entry


@pytest.fixture(scope="module")
def torch(card):
    generator = lookup("runtime", "torch")(card, 1, print)
    yield generator
    generator.close()


@pytest.fixture(params=["openvino", "torch"])
def generator(request):
    return request.getfixturevalue(request.param)


def test_both_runtimes_draw_the_same_pictures(openvino, torch, card):
    for seed in range(12):
        state = latent(card, seed)
        one, other = (draw(generator, state).astype(int) for generator in (openvino, torch))
        difference = np.abs(one - other)
        assert difference.mean() <= 2.0
        assert np.percentile(difference, 99) <= 4.0
        assert one.std() > 5.0  # and there is something on them


def test_the_same_input_gives_the_same_bytes_and_each_input_counts(generator, card):
    state = latent(card, 5)
    picture = draw(generator, state)
    changes = {
        "z": latent(card, 6).z,
        "y": np.eye(len(card.classes), dtype=np.float32)[3],
        "truncation": state.truncation * 0.5,
        "noise": latent(card, 6).noise,
    }
    for field, value in changes.items():
        other = draw(generator, dataclasses.replace(state, **{field: value}))
        assert (other != picture).mean() > 0.01, field
    assert (draw(generator, state) == picture).all()


def test_pictures_are_opaque_and_as_large_as_the_card_says(generator, card):
    picture = draw(generator, latent(card, 1))
    assert picture.shape == (card.resolution[1], card.resolution[0], 4)
    assert (picture[..., 3] == 255).all()


def test_a_converted_graph_is_used_without_torch_and_without_reporting_home(openvino, card):
    code = """
import sys
from pathlib import Path
from engine.core.registry import lookup
from engine.runtime.card import load_card
lookup("runtime", "openvino")(load_card(Path(sys.argv[1])), 1, print)
print(sorted({"torch", "requests", "urllib.request", "glfw", "moderngl", "openvino_telemetry.main"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code, str(card.folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_another_configuration_is_another_graph(openvino, card, cache):
    kept = entry(card, "openvino")
    assert kept.ready
    assert kept.folder.parent == cache
    assert not list(cache.glob("*.part"))
    changed = dataclasses.replace(card, config={**card.config, "sharp": 1.0})
    assert entry(changed, "openvino").folder != kept.folder


def test_a_damaged_graph_is_told_and_made_again(openvino, card, cache, tmp_path, monkeypatch):
    expected = draw(openvino, latent(card, 3))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = entry(card, "openvino").folder
    shutil.copytree(cache / folder.name, folder)
    weights = bytearray((folder / "0.bin").read_bytes())
    weights[5000] ^= 1
    (folder / "0.bin").write_bytes(weights)
    said = []
    again = lookup("runtime", "openvino")(card, 1, said.append)
    assert any("since it was damaged: expected sha256" in words for words in said)
    assert (draw(again, latent(card, 3)) == expected).all()
    again.close()


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_a_configuration_that_does_not_fit_the_weights_is_refused(card, runtime, tmp_path):
    shutil.copytree(card.folder, tmp_path / "m")
    text = (tmp_path / "m" / "model.toml").read_text()
    width = card.config["widths"][0]
    (tmp_path / "m" / "model.toml").write_text(text.replace(f"widths = [{width}", f"widths = [{width // 2}"))
    with pytest.raises((CardError, RuntimeError), match=r"expected .*weights and \[config\] of 'light'|size mismatch"):
        lookup("runtime", runtime)(load_card(tmp_path / "m"), 1, print)
