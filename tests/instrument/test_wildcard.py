"""The patch `wildcard` plays any model, with no classes or a thousand, also one that somebody made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from song import INFO

from engine.instrument.instrument import ANY_CLASSES, HOP, Instrument, find_patch, usual_patch
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


NAMES = (
    ("",), ("model",), ("x/y", "x y", "#"), ("a", "a", "a 2"), ("海", "山", "Größe"), ("amount", "mute"),
    tuple(f"{number}" * 500 for number in range(3)), ("one",) * 13,
)  # fmt: skip


@pytest.mark.parametrize("names", NAMES, ids=range(len(NAMES)))
def test_whatever_its_classes_are_called_and_with_no_patch_in_its_card(names: tuple[str, ...]) -> None:
    playing, quiet = Instrument(find_patch("first-light"), INFO), {"main": np.zeros(HOP, np.float32)}
    for z_size, noise_shape in ((1, (1,)), (2, (1, 1, 1)), (513, (3, 64, 64))):
        model = replace(INFO, name=f"hand-{z_size}", class_names=names, z_size=z_size, noise_shape=noise_shape)
        assert usual_patch(model, "first-light") == ANY_CLASSES
        opened = Instrument(find_patch(ANY_CLASSES), model)
        playing.change_model(model)  # in mid-show, where a patch plays that knows none of its classes
        for tick in (opened.hear(quiet, 0.0), playing.hear(quiet, 0.0)):
            assert tick.latent.y.shape == (len(names),)
            assert tick.latent.y.sum() == pytest.approx(1.0, abs=1e-4)
            assert np.isfinite(tick.latent.z).all()
    assert playing.player.playing.name == ANY_CLASSES


def test_the_usual_patch_is_the_cards_or_one_that_knows_the_classes() -> None:
    assert usual_patch(INFO, "first-light") == "first-light"
    assert usual_patch(replace(INFO, class_names=(*INFO.class_names, "more")), "tidal") == "tidal"
    assert usual_patch(replace(INFO, class_names=INFO.class_names[:2]), "first-light") == ANY_CLASSES
    assert usual_patch(replace(INFO, class_names=("oak",), patch="mandala"), "first-light") == "mandala"


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
