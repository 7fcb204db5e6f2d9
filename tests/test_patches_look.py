"""Patches as pictures: bundled model, all passes, the demo track as the analysis hears it."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from song import HOP, INFO, RATE_HZ, step, tree

from engine.control.patch import MACROS, load_patch
from engine.core import resources
from engine.core.registry import lookup
from engine.core.types import FeatureFrame, Frame
from engine.features.analysis.analyser import Analysis
from engine.instrument.patch_player import PatchPlayer
from engine.runtime.card import load_card
from engine.stage.gl_context import headless_context
from engine.stage.passes import load_passes
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

PATCHES = resources.listing("patches", "*.toml")
SIZE = (160, 90)
LOOKS_S = (5.0, 13.0, 21.0, 29.0, 35.0, 43.0, 49.0, 57.0)  # all parts of the track
HITS_S = (43.04, 43.54)  # just after a kick, just after a snare
FRAME_S = 1 / 30


@pytest.fixture(scope="module")
def heard() -> list[FeatureFrame]:
    """The demo track, hop by hop."""
    sound, rate_hz = soundfile.read(resources.find("patches", "demo/first-light.ogg"), dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ
    mono, analysis = sound.mean(1), Analysis(RATE_HZ, HOP)
    hops = mono[: len(mono) // HOP * HOP].reshape(-1, HOP)
    return [analysis.step({"main": hop}, number * HOP / RATE_HZ) for number, hop in enumerate(hops)]


@pytest.fixture(scope="module")
def studio():
    """A generator and a GL context to draw with."""
    generator = lookup("runtime", "openvino")(load_card(resources.find("models", "light")), 2, lambda _: None)
    context = headless_context()
    yield generator, context
    generator.close()
    context.release()


def pictures(path: Path, heard: list[FeatureFrame], studio, times_s, start_s: float = 0.0, draws: int = 3, **posts) -> np.ndarray:
    """(len(times), H, W, 3) of 0..1: the patch at those moments, each after a few frames for the passes that remember."""
    generator, context = studio
    within = tree()
    performer = PatchPlayer(load_patch(path), within, INFO, 1, RATE_HZ, HOP)
    for address, value in posts.items():
        within.post(address, value)
    stage = Stage(context, SIZE, StageSettings(), load_passes(), internal_size=SIZE)
    rgba = np.zeros((256, 256, 4), np.uint8)
    due = [(time_s - back * FRAME_S, back == 0) for time_s in times_s for back in reversed(range(draws))]
    seen, count = [], 0
    try:
        for features in heard[round(start_s * RATE_HZ / HOP) :]:
            tick = step(performer, features)
            while count < len(due) and features.time_s >= due[count][0]:
                if count % draws in (0, draws - 1):
                    generator.step(tick.latent, rgba)
                    stage.set_frame(Frame(rgba.copy(), tick.number, tick.t_heard, tick.time_s, count))
                stage.draw(tick, features.time_s, FRAME_S)
                if due[count][1]:
                    seen.append(stage.read()[:, :, :3].astype(np.float32) / 255)
                count += 1
            if count == len(due):
                break
    finally:
        stage.close()
        performer.close()
    return np.array(seen)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference, 0..1."""
    return float(np.abs(one - other).mean())


def test_every_pair_of_patches_is_visibly_different_on_the_same_track(heard, studio):
    looks = {path.stem: pictures(path, heard, studio, LOOKS_S) for path in PATCHES}
    for name, look in looks.items():
        print(
            f"{name}: mean {look.mean():.2f}, spread {look.std():.2f}, from moment to moment {distance(look[1:], look[:-1]):.3f}"
        )
        assert 0.05 < look.mean() < 0.85
        assert look.std(axis=(1, 2, 3)).min() > 0.03  # never blank
    names = sorted(looks)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            # Pixel by pixel, and as a palette: mean colour and contrast of each moment, whatever is where.
            palette = [np.concatenate([look.mean((1, 2)), look.std((1, 2))], 1) for look in (looks[one], looks[other])]
            pixels, colours = distance(looks[one], looks[other]), distance(*palette)
            print(f"{one} - {other}: {pixels:.3f} by pixel, {colours:.3f} by palette")
            assert pixels > 0.1
            assert colours > 0.03


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_each_of_the_eight_macros_moves_the_picture(path, heard, studio):
    rest, again = (pictures(path, heard, studio, HITS_S, 39.5, 1) for _ in range(2))
    assert np.array_equal(rest, again)
    for number, name in enumerate(MACROS, 1):
        for end in (0.0, 1.0) if path.stem == "first-light" else (1.0,):
            moved = distance(rest, pictures(path, heard, studio, HITS_S, 39.5, 1, **{f"/macro/{number}": end}))
            print(f"{path.stem}: {name} at {end:.0f} moves the picture by {moved:.3f}")
            assert moved > 0.004
