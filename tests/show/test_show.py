"""The whole instrument: film, real time, a killed generator, a changed model, patches that come and go."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from performing import REACH_S, performing, until

from engine.audio import Source
from engine.core import resources
from engine.instrument.instrument import RATE_HZ, Instrument, find_patch
from engine.show.perform import open_model, open_sound
from engine.show.realtime import DEAF_S


def clavilux(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, from a folder of its own, without a display."""
    env = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")} | environment
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_film_without_a_display_drops_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "first-light.png").write_bytes(b"a picture of somebody's")
    done = clavilux("render", "--seconds", "3", "--size", "320x180", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "out" / "first-light.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    with av.open(str(tmp_path / "out" / "first-light.mp4")) as film:
        samples = sum(frame.samples for frame in film.decode(audio=0))
    assert len(pictures) == 90
    assert samples / RATE_HZ == pytest.approx(3.0, abs=0.1)
    assert (tmp_path / "out" / "first-light.png").read_bytes() == b"a picture of somebody's"
    assert (tmp_path / "out" / "first-light-2.png").stat().st_size > 1000
    moved = [float(np.abs(a.astype(int) - b).mean()) for a, b in itertools.pairwise(pictures)]
    assert min(moved[5:]) > 0.05, "a picture that stands still"


def test_a_film_shows_the_network_and_nothing_else_from_its_first_picture_on(tmp_path: Path) -> None:
    def first(*words: str) -> np.ndarray:
        film = ("-o", "film.mp4", "--seconds", "0.1", "--size", "320x180")
        done = clavilux("render", *film, *words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        with av.open(str(tmp_path / "film.mp4")) as pictures:
            return next(pictures.decode(video=0)).to_ndarray(format="rgb24").astype(int)

    shown, look = first("--stage.hue", "0.0"), first("--stage.network", "0")
    assert np.abs(first("--stage.hue", "0.5") - shown).mean() < 0.1  # of the look that a live show begins with
    assert np.abs(shown - look).mean() > 10.0


def test_two_films_of_one_seed_are_the_same_show() -> None:
    def ticks(seed: int) -> list[bytes]:
        source = open_sound("demo", False, False, seed)
        instrument = Instrument(find_patch("first-light"), open_model("light", "auto").info, source.inputs, seed)
        made = []
        for _ in range(600):
            hop = source.read(1.0)
            assert hop is not None
            made.append(instrument.hear(hop.hops, hop.t_heard))
        source.close()
        return [tick.latent.z.tobytes() + tick.latent.y.tobytes() + repr(sorted(tick.params.items())).encode() for tick in made]

    first, again, other = ticks(3), ticks(3), ticks(4)
    assert first == again
    assert first != other


def test_show_goes_on_while_the_generator_is_killed(stack: ExitStack) -> None:
    live, _ = performing(stack, open_sound("synthetic", False, True, 0))
    until(live, lambda: live.generator.status().state == "playing", 120.0)
    os.kill(live.generator.pid, signal.SIGKILL)
    before = live.frames
    until(live, lambda: live.generator.status().restarts > 0)
    assert live.frames > before, "the stage waited for the generator"
    until(live, lambda: live.generator.status().state == "playing")


def test_model_changes_beside_the_playing_one(stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "assets" / "models" / "copy"
    shutil.copytree(resources.find("models", "light"), shelf)
    card = shelf / "model.toml"
    card.write_text(card.read_text().replace('name = "light"', 'name = "copy"'))
    monkeypatch.setattr(resources, "_added", [tmp_path / "assets"])
    live, _ = performing(stack, open_sound("synthetic", False, True, 0), open_model=lambda name: open_model(name, "auto"))
    until(live, lambda: live.generator.status().state == "playing", 120.0)
    live.load_model("nothing-of-that-name")
    until(live, lambda: any("kept light" in message for message in live.messages))
    live.load_model("copy")
    until(live, lambda: live.generator.info.name == "copy", 120.0)
    until(live, lambda: live.generator.status().state == "playing")


@pytest.mark.parametrize("named", [True, False])
def test_a_model_that_lacks_a_class_is_played_by_the_patch_for_any_unless_its_card_names_one(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    shelf = tmp_path / "assets" / "models" / "dry"
    shutil.copytree(resources.find("models", "light"), shelf)
    card = shelf / "model.toml"
    text = card.read_text().replace('name = "light"', 'name = "dry"').replace('"sea"', '"dune"', 1)
    card.write_text(('patch = "first-light"\n' if named else "") + text)
    monkeypatch.setattr(resources, "_added", [tmp_path / "assets"])
    live, _ = performing(stack, open_sound("none", False, True, 0), open_model=lambda name: open_model(name, "auto"))
    until(live, lambda: live.generator.status().state == "playing", 120.0)
    live.load_model("dry")
    told = "'sea'; kept light" if named else "model dry, played by wildcard"
    until(live, lambda: any(told in message for message in live.messages), 120.0)
    live.run(0.3)
    assert live.generator.info.name == ("light" if named else "dry")
    assert live.generator.status().state == "playing"


def test_bad_patch_keeps_the_playing_one(stack: ExitStack, tmp_path: Path) -> None:
    live, _ = performing(stack, open_sound("none", False, True, 0))
    bad = tmp_path / "bad.toml"
    lines = resources.find("patches", "first-light.toml").read_text().splitlines()
    lines.insert(lines.index("[shader.feedback]") + 1, "nothing = 3")
    bad.write_text("\n".join(lines))
    live.load_patch(str(bad))
    assert f"bad.toml:{lines.index('nothing = 3') + 1}" in live.messages[-1]
    assert live.instrument.player.patch.name == "first-light"
    live.load_patch("deep-music")
    until(live, lambda: live.instrument.player.patch.name == "deep-music")


def test_silence_is_alive_and_does_not_pump(stack: ExitStack) -> None:
    seen_s: list[float] = []
    luma: list[float] = []
    moved: list[float] = []
    last: list[np.ndarray] = []

    def look(stage: Any, _tick: Any) -> None:
        picture = stage.read()[..., :3].astype(np.float32)
        seen_s.append(time.monotonic())
        luma.append(float(picture.mean()))
        if last:
            moved.append(float(np.abs(picture - last.pop()).mean()))
        last.append(picture)

    live, _ = performing(stack, open_sound("none", False, True, 0), on_frame=look)
    until(live, lambda: live.generator.status().state == "playing", 120.0)
    live.run(6.0)
    for figures in (seen_s, luma, moved):
        figures.clear()
    live.run(6.0)
    assert np.median(moved) > 0.05, "nothing moves"
    times_s = np.array(seen_s)  # a busy machine draws fewer pictures of the same second
    around = [np.median(np.array(luma)[np.abs(times_s - at_s) <= 0.5]) for at_s in seen_s]
    assert np.percentile(np.abs(np.subtract(luma, around)), 90) < 0.02 * 255, "it pumps"


def test_input_that_is_gone_takes_its_parameters_along() -> None:
    instrument = Instrument(find_patch("first-light"), open_model("light", "auto").info, ("main", "kick"))
    instrument.tree.set_base("/analysis/onset/threshold", 1.5 * float(instrument.tree.leaf("/analysis/onset/threshold").base))  # type: ignore[arg-type]
    set_by_hand = instrument.tree.leaf("/analysis/onset/threshold").base
    assert "/analysis/kick/onset/threshold" in instrument.tree
    instrument.listen_to(("main",))
    assert "/analysis/kick/onset/threshold" not in instrument.tree
    assert instrument.tree.leaf("/analysis/onset/threshold").base == set_by_hand
    instrument.hear({"main": np.zeros(256, np.float32)}, 0.0)


def test_hands_that_ask_in_vain_are_counted_and_told_once_a_second(stack: ExitStack) -> None:
    live, _ = performing(stack, open_sound("none", False, True, 0))
    until(live, lambda: live.frames > 3)
    for number in range(200):
        live.instrument.tree.post("/patch/load", f"../../etc/passwd{number}")
        live.run(0.02)
    assert live.refusals.count > 20
    told = [message for message in live.messages if "expected a patch, one of" in message]
    assert 1 <= len(told) <= 8
    assert live.instrument.player.patch.name == "first-light"


def test_a_live_input_that_is_slow_to_open_holds_up_no_frame(stack: ExitStack) -> None:
    asked: list[float] = []

    def slowly() -> Source:
        asked.append(time.monotonic())
        time.sleep(1.0)
        raise OSError("expected an input device; got none")

    live, _ = performing(stack, open_sound("none", False, True, 0), open_live=slowly)
    until(live, lambda: live.frames > 3)
    live.instrument.tree.post("/live", True)
    until(live, lambda: asked)
    before, started = live.frames, time.monotonic()
    until(live, lambda: any("expected an input device" in message for message in live.messages))
    assert live.frames - before >= 3 * (time.monotonic() - started), "the stage waited for the device"
    until(live, lambda: not live.instrument.tree.leaf("/live").base)


def test_a_recording_asked_for_once_is_started_once_and_stopped_by_one_word(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    live, listening = performing(stack, open_sound("none", False, True, 0))
    calls: list[Any] = []
    listening.followers.append(lambda tick: calls.extend(tick.calls))
    until(live, lambda: live.frames > 3)
    live.instrument.tree.post("/record", True)
    until(live, lambda: (live.recording.seconds or 0.0) > 1.0)
    live.instrument.tree.post("/record", False)
    until(live, lambda: live.recording.seconds is None)
    live.run(0.5)
    assert [(call.address, call.arguments) for call in calls] == [("/record", (True,)), ("/record", (False,))]
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_show_that_no_longer_listens_is_told_from_one_that_does(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    live, _ = performing(stack, open_sound("none", False, True, 0))
    until(live, lambda: live.kept_up > 3)
    gate = threading.Event()
    stack.callback(gate.set)
    hear = live.instrument.hear

    def hang(*given: Any) -> Any:
        gate.wait(REACH_S)
        return hear(*given)

    monkeypatch.setattr(live.instrument, "hear", hang)
    live.run(DEAF_S + 0.5)
    frames, kept_up = live.frames, live.kept_up
    live.run(1.0)
    assert live.frames > frames, "the picture goes on"
    assert live.kept_up == kept_up
    gate.set()
    until(live, lambda: live.kept_up > kept_up)
