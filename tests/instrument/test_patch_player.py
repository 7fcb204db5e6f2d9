import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from song import CLASSES, DROP_S, HOP, HOP_S, INFO, RATE_HZ, frame, song, step, tree

from engine.control.patch import MACROS, load_patch
from engine.control.tree import ParamTree
from engine.core import resources
from engine.core.params import ParamError
from engine.core.types import Event, Tick
from engine.instrument.patch_player import PatchPlayer
from engine.instrument.show_params import Master, Switches

PATCHES = resources.listing("patches", "*.toml")
DEFAULT = resources.find("patches", "first-light.toml")
SEA, COSMOS, LAVA, FRACTAL, NEON = (CLASSES.index(name) for name in ("sea", "cosmos", "lava", "fractal", "neon"))


def perform(path: Path = DEFAULT, seed: int = 1, within: ParamTree | None = None, **kind) -> PatchPlayer:
    return PatchPlayer(load_patch(path), within or tree(), INFO, seed, RATE_HZ, HOP, **kind)


def same(a: Tick, b: Tick) -> bool:
    return (
        a.params == b.params
        and np.array_equal(a.latent.z, b.latent.z)
        and np.array_equal(a.latent.y, b.latent.y)
        and np.array_equal(a.latent.noise, b.latent.noise)
        and a.latent.truncation == b.latent.truncation
    )


@pytest.fixture(scope="module")
def show() -> list[Tick]:
    """The default patch through the whole song."""
    player = perform()
    return [step(player, features) for features in song()]


def at(show: list[Tick], time_s: float) -> Tick:
    return show[round(time_s / HOP_S) - 1]


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_the_same_patch_seed_and_features_give_the_same_ticks(path):
    one, again, other = perform(path), perform(path), perform(path, seed=2)
    differs = False
    for features in song(6.0, start_s=37.0):
        tick = step(one, features)
        assert same(tick, step(again, features))
        differs = differs or not same(tick, step(other, features))
    assert differs


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_latents_are_whole_finite_and_moderate_all_through_the_song(path):
    player = perform(path)
    for features in song(64.0):
        latent = step(player, features).latent
        assert (latent.z.shape, latent.y.shape, latent.noise.shape) == ((32,), (12,), (192,))
        assert latent.z.dtype == latent.y.dtype == latent.noise.dtype == np.float32
        assert np.isfinite(latent.z).all()
        assert np.abs(latent.z).max() < 8
        assert latent.y.sum() == pytest.approx(1.0, abs=1e-5)
        assert 0.0 <= latent.truncation <= 1.0


def test_sea_and_cosmos_then_lava_neon_and_fractal_at_the_drop(show):
    before = {int(tick.latent.y.argmax()) for tick in show if tick.time_s < DROP_S}
    after = {int(tick.latent.y.argmax()) for tick in show if tick.time_s > DROP_S + 0.5}
    assert before == {SEA, COSMOS}
    assert after == {LAVA, NEON, FRACTAL}
    assert max(np.count_nonzero(tick.latent.y) for tick in show) == 2


def test_truncation_is_070_and_one_at_the_drop(show):
    assert at(show, 30.0).latent.truncation == pytest.approx(0.7)
    assert at(show, DROP_S + 1.0).latent.truncation == pytest.approx(1.0)


def test_the_kaleidoscope_opens_for_four_bars_after_the_drop_only(show):
    amounts = [(tick.time_s, tick.params["/shader/kaleidoscope/amount"]) for tick in show]
    assert max(amount for time_s, amount in amounts if time_s < DROP_S) == 0.0
    assert min(amount for time_s, amount in amounts if DROP_S + 0.6 < time_s < DROP_S + 7.9) == 1.0
    assert max(amount for time_s, amount in amounts if time_s > DROP_S + 8.6) == 0.0


def test_a_kick_pushes_z_and_punches_the_zoom_within_one_tick_and_dies_in_180_ms():
    player = perform()
    first, later = 200, 200 + round(0.18 / HOP_S)
    ticks = [step(player, frame(n, events=(Event("kick", n * HOP_S, 1.0),) if n == first else ())) for n in range(400)]
    zooms = [float(tick.params["/shader/zoom/amount"]) for tick in ticks]
    assert zooms[first - 1] == 0.0
    assert zooms[first] > 0.1
    assert zooms[later] == pytest.approx(zooms[first] * math.exp(-1), rel=0.03)
    jumps = [float(np.linalg.norm(b.latent.z - a.latent.z)) for a, b in pairwise(ticks)]
    assert int(np.argmax(jumps)) == first - 1
    assert jumps[first - 1] > 20 * np.median(jumps)


def test_snare_turns_the_hue_and_hats_are_grain():
    player = perform()
    quiet = step(player, frame(0)).params
    snare = step(player, frame(1, events=(Event("snare", 0.0, 1.0),))).params
    assert abs(float(snare["/shader/grade/hue"]) - float(quiet["/shader/grade/hue"])) > 0.05
    hat = step(player, frame(2, events=(Event("hat", 0.0, 1.0),))).params
    assert float(hat["/stage/grain"]) > float(quiet["/stage/grain"]) + 0.4


def test_only_a_locked_beat_breathes():
    def swing(confidence: float) -> float:
        player = perform()
        values = {"tempo_bpm": 120.0, "tempo_confidence": confidence}
        edges = [step(player, frame(n, values)).params["/shader/grade/vignette"] for n in range(400)]
        return float(max(edges[100:])) - float(min(edges[100:]))

    assert swing(0.0) == 0.0
    assert swing(1.0) > 0.1


def test_slow_energy_sets_the_speed():
    speeds = []
    for energy in (0.2, 0.5, 0.8):
        player = perform()
        speeds.append(float(step(player, frame(0, {"energy_8s": energy})).params["/walk/speed"]))
    assert speeds[2] > 2 * speeds[1] > 4 * speeds[0]


def test_silence_is_alive_but_does_not_pump():
    player = perform()
    quiet = [step(player, frame(n, {"silence": 1.0})) for n in range(round(30 / HOP_S))]
    steps = [float(np.linalg.norm(b.latent.z - a.latent.z)) for a, b in pairwise(quiet)]
    assert min(sum(steps[n : n + 188]) for n in range(0, len(steps) - 188, 188)) > 0.02  # every second moves
    assert max(steps) < 0.1
    for address in ("/shader/zoom/amount", "/pulse/push", "/shader/flash/amount"):
        assert len({tick.params[address] for tick in quiet}) == 1


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_every_macro_moves_a_parameter_at_both_ends(path):
    features = list(song(1.0, start_s=DROP_S))
    player = perform(path)
    still = [step(player, item) for item in features][-1]
    for number, name in enumerate(MACROS, 1):
        for end in (0.0, 1.0):
            moved = perform(path)
            moved.tree.post(f"/macro/{number}", end)
            last = [step(moved, item) for item in features][-1]
            changed = {key for key, value in last.params.items() if value != still.params[key]} - {f"/macro/{number}"}
            assert changed, f"macro {name} at {end}"


def test_audio_amount_scales_all_that_is_heard_and_nothing_else():
    deaf = perform()
    deaf.tree.post("/audio/amount", 0.0)
    deaf.tree.post("/macro/8", 0.5)
    deaf.tree.post("/macro/1", 1.0)
    ticks = [step(deaf, features) for features in song(4.0, start_s=20.0)][100:]
    for address in ("/shader/zoom/amount", "/pulse/push", "/stage/grain", "/walk/speed"):
        assert len({tick.params[address] for tick in ticks}) == 1
    assert ticks[-1].params["/shader/bloom/amount"] > 0.3  # the macro's


def test_a_route_has_an_amount_and_a_mute():
    player = perform()
    kick = (Event("kick", 0.0, 1.0),)
    player.tree.post("/route/kick_zoom/mute", True)
    assert step(player, frame(0, events=kick)).params["/shader/zoom/amount"] == 0.0
    player.tree.post("/route/kick_zoom/mute", False)
    player.tree.post("/route/kick_zoom/amount", 0.4)
    assert step(player, frame(1, events=kick)).params["/shader/zoom/amount"] == pytest.approx(0.8)


def test_a_knob_grabbed_in_mid_song_is_seen_at_once_and_never_overwritten():
    player = perform()
    features = song(10.0, start_s=DROP_S - 2.0)
    for item in (next(features) for _ in range(150)):
        step(player, item)
    player.tree.post("/shader/bloom/amount", 0.9)
    tick = step(player, next(features))
    assert tick.params["/shader/bloom/amount"] >= 0.9
    for item in features:
        assert step(player, item).params["/shader/bloom/amount"] >= 0.9
        assert player.tree.leaf("/shader/bloom/amount").base == 0.9


def test_another_seed_in_mid_song_brings_other_keyframes_without_a_jump():
    player = perform()
    features = song(12.0, start_s=2.0)
    before = [step(player, next(features)) for _ in range(300)]
    player.tree.post("/seed", 77)
    after = [step(player, item) for item in features]
    steps = [float(np.linalg.norm(b.latent.z - a.latent.z)) for a, b in pairwise([before[-1], *after])]
    assert max(steps) < 0.15
    settled = perform()
    unchanged = [step(settled, item) for item in song(12.0, start_s=2.0)]
    assert np.linalg.norm(after[-1].latent.z - unchanged[-1].latent.z) > 1.0
    assert player.tree.leaf("/seed").base == 77


def test_a_change_of_patch_glides_and_leaves_nothing_behind():
    player = perform()
    features = song(12.0, start_s=2.0)
    last = [step(player, next(features)) for _ in range(300)][-1]
    player.tree.post("/shader/warp/swirl", 0.7)
    last = step(player, next(features))
    player.offer(load_patch(resources.find("patches", "tidal.toml")))
    after = [step(player, item) for item in features]
    steps = [float(np.abs(b.latent.y - a.latent.y).max()) for a, b in pairwise([last, *after])]
    assert max(steps) < 0.05
    assert max(float(np.linalg.norm(b.latent.z - a.latent.z)) for a, b in pairwise([last, *after])) < 0.15
    fresh = perform(resources.find("patches", "tidal.toml"))
    assert set(player.tree) == set(fresh.tree)
    bases = {address: player.tree.leaf(address).base for address in player.tree}
    assert bases == {address: fresh.tree.leaf(address).base for address in fresh.tree}


def test_a_patch_saved_again_keeps_the_hand_and_goes_on_where_it_was(tmp_path):
    path = tmp_path / "live.toml"
    text = DEFAULT.read_text()
    path.write_text(text)
    player, untouched = perform(path), perform(path)
    features = list(song(3.0, start_s=10.0))
    for one in (player, untouched):
        one.tree.post("/walk/amount", 0.55)
        one.tree.post("/shader/warp/scale", 5.0)
        for item in features[:300]:
            step(one, item)
    path.write_text(
        text.replace("half_life_s = 0.6", "half_life_s = 2.0").replace(
            '"/shader/zoom/amount", amount = 0.07', '"/shader/zoom/amount", amount = 0.2'
        )
    )
    player.offer(load_patch(path))
    for item in features[300:]:
        tick, before = step(player, item), step(untouched, item)
        assert np.array_equal(tick.latent.z, before.latent.z)
        assert np.array_equal(tick.latent.y, before.latent.y)
    leaf = player.tree.leaf
    assert (leaf("/walk/amount").base, leaf("/shader/warp/scale").base) == (0.55, 5.0)
    assert (leaf("/shader/feedback/half_life_s").base, leaf("/route/kick_zoom/amount").base) == (2.0, 0.2)


def test_what_the_command_line_says_outlives_changes_of_patch():
    player = perform(overrides={"/latent/truncation": 0.45, "/shader/bloom/amount": 0.8})
    assert step(player, frame(0)).latent.truncation == pytest.approx(0.45)
    player.offer(load_patch(resources.find("patches", "foundry.toml")))
    step(player, frame(1))
    assert player.tree.leaf("/latent/truncation").base == 0.45
    assert player.tree.leaf("/shader/bloom/amount").base == 0.8
    with pytest.raises(ParamError, match="expected float"):
        perform(overrides={"/latent/truncation": "much"})


def test_a_hand_on_what_the_command_line_said_outlives_a_patch_saved_again(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(DEFAULT.read_text())
    player = perform(path, overrides={"/macro/2": 0.8, "/walk/amount": 0.9})
    for address in ("/macro/2", "/walk/amount"):
        player.tree.post(address, 0.3)
    step(player, frame(0))
    for number, text in enumerate((DEFAULT.read_text(), DEFAULT.read_text().replace("[mover]", "[mover]  # again")), 1):
        path.write_text(text)
        player.offer(load_patch(path))
        step(player, frame(number))
        assert [player.tree.leaf(address).base for address in ("/macro/2", "/walk/amount")] == [0.3, 0.3]
    player.offer(load_patch(resources.find("patches", "deep-music.toml")))
    step(player, frame(3))
    assert player.tree.leaf("/macro/2").base == 0.8


def test_panic_is_the_patch_as_saved():
    within = tree()
    within.attach("", Switches().leaves)
    within.attach("master", Master().leaves)
    player = perform(within=within)
    saved = {address: player.tree.leaf(address).base for address in player.tree}
    rng = np.random.default_rng(1)
    for address in player.tree:
        if player.tree.leaf(address).param.numeric and address != "/seed":
            player.tree.post_normalised(address, float(rng.random()))
    step(player, frame(0))
    assert sum(player.tree.leaf(address).base != base for address, base in saved.items()) > 100
    player.tree.post("/panic", 1)
    step(player, frame(1))
    assert {address: player.tree.leaf(address).base for address in player.tree} == saved


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_every_parameter_of_a_show_survives_its_ends_and_beyond(path):
    """Below, at and above its range, NaN and wrong types: clipped or refused, and the picture's latent stays sound."""
    player = perform(path)
    tick = 0
    for address in list(player.tree):
        param = player.tree.leaf(address).param
        for bad in (float("nan"), float("inf"), None, [], {}):
            if not (param.kind == "vector" and bad == []):
                with pytest.raises(ParamError):
                    player.tree.post(address, bad)
        ends = (
            (*param.choices, param.default) if param.kind in ("choice", "text", "vector") else (param.low - 1e9, param.high + 1e9)
        )
        for end in (*ends, param.default):
            player.tree.post(address, end)
            made = step(player, frame(tick, {"loudness": 0.5, "level": 0.5, "gradient": 0.5}))
            tick += 1
            value, base = made.params[address], player.tree.leaf(address).base
            if param.kind in ("float", "int"):
                assert param.low <= value <= param.high
                assert base == min(max(end, param.low), param.high)
            assert np.isfinite(made.latent.z).all()
            assert made.latent.y.sum() == pytest.approx(1.0, abs=1e-4)


def test_closing_takes_everything_back_out():
    within = tree()
    before = set(within)
    player = perform(within=within)
    player.close()
    assert set(within) == before
    with pytest.raises(RuntimeError, match="expected a performer that is open"):
        step(player, frame(0))


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_a_step_costs_little(path):
    player = perform(path)
    took = []
    for features in song(8.0, start_s=DROP_S - 4.0):
        start = time.thread_time()
        step(player, features)
        took.append(time.thread_time() - start)
    mean_us = 1e6 * float(np.mean(took))
    print(f"{path.stem}: {mean_us:.0f} us a step of {1e6 * HOP_S:.0f} us, median {1e6 * float(np.median(took)):.0f}")
    assert mean_us < 2500  # ten times the goal
