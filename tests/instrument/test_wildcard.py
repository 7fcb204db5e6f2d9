"""The patch `wildcard` plays any model, with no classes or a thousand, also one that somebody made by hand."""

from pathlib import Path

import numpy as np
import pytest

from engine.instrument.instrument import HOP, Instrument, find_patch
from engine.runtime.card import load_card
from engine.studio import random_model

STYLEGAN2 = {"resolution": 16, "z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 8, "mapping_layers": 1}
STYLEGAN3 = {"resolution": 16, "z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 8, "mapping_layers": 2}
BIGGAN = {"resolution": 16, "ch": 8, "num_classes": 3, "z_dim": 8, "hf_compat": False}
MODELS = {
    **{f"stylegan2 of {c_dim}": ("stylegan2", STYLEGAN2 | {"c_dim": c_dim, "conv_clamp": 256.0}) for c_dim in (0, 1, 2, 5, 1000)},
    "stylegan3": ("stylegan3", STYLEGAN3 | {"c_dim": 0, "kind": "t", "conv_clamp": 256.0}),
    "biggan_deep": ("biggan_deep", BIGGAN | {"layers": [[False, 4, 4], [True, 4, 4], [True, 4, 2]], "attention": 2}),
}


@pytest.mark.parametrize("kind", MODELS)
def test_wildcard_plays_it(tmp_path: Path, kind: str) -> None:
    architecture, config = MODELS[kind]
    random_model.write(tmp_path / "mine", "mine", architecture, config)
    instrument = Instrument(find_patch("wildcard"), load_card(tmp_path / "mine").info(""))
    rng = np.random.default_rng(0)
    for number in range(200):
        sound = rng.uniform(-0.5, 0.5, HOP).astype(np.float32)
        tick = instrument.hear(dict.fromkeys(("main",), sound), number * HOP / 48000)
    assert instrument.player.playing.name == "wildcard"
    assert np.isfinite(np.asarray(tick.latent.z)).all()
    assert np.asarray(tick.latent.y).sum() == pytest.approx(1.0, abs=0.01)
