"""A show is a folder: what was kept plays again, on another machine too."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from engine.core import resources
from engine.instrument.instrument import Instrument, find_patch
from engine.runtime.card import load_card
from engine.show.options import PlayOptions
from engine.show.show_folder import FILE, ShowError, ShowFolder, find_show, load_show, save_show
from engine.show.show_saver import ShowSaver

LIGHT = resources.model_folder("light")
SHOW = ShowFolder(
    {"patch": "mine", "model": "light", "audio": "none", "seed": 7, "size": (640, 360), "outputs": ("mjpeg:8090",)},
    {"/macro/1": 0.75, "/stage/fit": "crop", "/freeze": True, "/latent/z": (0.5, -1.0), '/odd "name"\\\t': 1},
    (("nano", 1, 21, 3),),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(resources, "_added", [])
    return tmp_path / "data" / "clavilux"


@pytest.fixture
def mine(home: Path) -> Path:
    """A patch of the user's own."""
    (home / "patches").mkdir(parents=True)
    path = home / "patches" / "mine.toml"
    shutil.copy(resources.find("patches", "tidal.toml"), path)
    return path


def test_what_is_saved_is_what_is_read(home: Path, mine: Path) -> None:
    folder = home / "shows" / "friday"
    save_show(folder, SHOW, mine, LIGHT, None)
    assert load_show(folder) == SHOW
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == ["patches/mine.toml", FILE]
    assert find_show("friday") == folder
    assert find_show(str(folder)) == folder
    assert resources.show_names() == ["friday"]


def test_a_byte_order_mark_is_no_part_of_a_show(home: Path, mine: Path) -> None:
    folder = home / "shows" / "friday"
    save_show(folder, SHOW, mine, resources.find("models", "light"), None)
    (folder / FILE).write_bytes(b"\xef\xbb\xbf" + (folder / FILE).read_bytes())
    assert load_show(folder) == SHOW


def test_it_is_complete_patch_model_shaders_and_track(home: Path, mine: Path, tmp_path: Path) -> None:
    model = shutil.copytree(LIGHT, home / "models" / "ember")
    (home / "shaders").mkdir()
    shutil.copy(resources.find("shaders", "bloom.glsl"), home / "shaders" / "bloom.glsl")
    track = tmp_path / "my song.flac"
    track.write_bytes(b"fLaC")
    folder = tmp_path / "elsewhere" / "friday"
    save_show(folder, SHOW, mine, model, track)
    for name in ("patches/mine.toml", "models/ember/model.toml", "models/ember/weights.safetensors", "shaders/bloom.glsl"):
        assert (folder / name).is_file(), name
    settings = load_show(folder).settings
    assert (settings["audio"], settings["model"]) == ("audio/my song.flac", "ember")
    assert (folder / "audio" / "my song.flac").read_bytes() == b"fLaC"


def test_a_save_over_a_show_is_whole_or_not_at_all(home: Path, mine: Path) -> None:
    folder = home / "shows" / "friday"
    save_show(folder, SHOW, mine, LIGHT, None)
    with pytest.raises(OSError, match="gone"):
        save_show(folder, ShowFolder(), home / "gone.toml", LIGHT, None)
    assert load_show(folder) == SHOW
    save_show(folder, ShowFolder({"patch": "mine"}), mine, LIGHT, None)
    assert load_show(folder).settings == {"patch": "mine"}
    assert [path.name for path in folder.parent.iterdir()] == ["friday"]


def test_a_save_that_was_cut_off_between_its_two_steps_leaves_the_show_that_was_there(home: Path, mine: Path) -> None:
    folder = home / "shows" / "friday"
    save_show(folder, SHOW, mine, LIGHT, None)
    folder.rename(folder.with_name(".friday.old"))
    assert find_show("friday") == folder
    assert load_show(folder) == SHOW


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "expected schema = 1 in .*; got None"),
        ("schema = 2", r"got 2 \(made by a newer version\)"),
        ("schema = true", "got True"),
        ("schema = 1\nseed = -1", "expected seed to be a whole number from 0 in .*show.toml; got -1"),
        ("schema = 1\noutputs = 'a'", "expected outputs to be a list of texts"),
        ("schema = 1\nsize = [640]", "expected size to be two sides"),
        ("schema = 1\nparameters = 3", "expected a table of parameters"),
        ("schema = 1\n[parameters]\n'/a' = nan", "expected a value for /a"),
        (f"schema = 1\n[parameters]\n'/a' = 1{'0' * 400}", "expected a value for /a"),
        ("schema = 1\nmidi_macros = [['nano', 1]]", "expected port, channel, controller and macro"),
        ("schema = 1\nmidi_macros = [['nano', 1, 21, true]]", "expected port, channel, controller and macro"),
        ("schema = 1\nmidi_macros = [['nano', 1, 21, 3, 4]]", "expected port, channel, controller and macro"),
        ("schema = 1\n\x00", "expected a show in"),
    ],
)
def test_what_is_no_show_is_refused_with_the_reason(home: Path, text: str, wrong: str) -> None:
    folder = home / "shows" / "bad"
    folder.mkdir(parents=True)
    (folder / FILE).write_text(text)
    with pytest.raises(ShowError, match=wrong):
        load_show(folder)


def test_a_link_to_a_show_is_saved_over_again_and_again(home: Path, mine: Path, tmp_path: Path) -> None:
    link = home / "shows" / "friday"
    link.parent.mkdir()
    (tmp_path / "stick").mkdir()
    link.symlink_to(tmp_path / "stick")
    for seed in range(3):
        save_show(link, ShowFolder({"patch": "mine", "seed": seed}), mine, LIGHT, None)
        assert load_show(link).settings["seed"] == seed
    assert link.is_symlink()


def test_a_folder_of_somebody_elses_is_not_taken_for_a_save_that_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / ".data.old").mkdir()
    with pytest.raises(FileNotFoundError):
        find_show(str(tmp_path / "data"))
    assert (tmp_path / ".data.old").is_dir()


def test_what_osc_brings_is_written_as_people_write_it(home: Path, mine: Path) -> None:
    save_show(home / "shows" / "fader", ShowFolder({"patch": "mine"}, {"/macro/1": float(np.float32(0.8))}), mine, LIGHT, None)
    assert '"/macro/1" = 0.8\n' in (home / "shows" / "fader" / FILE).read_text()


def test_a_show_that_is_cut_off_anywhere_is_refused_or_read(home: Path, mine: Path) -> None:
    folder = home / "shows" / "friday"
    save_show(folder, SHOW, mine, LIGHT, None)
    text = (folder / FILE).read_bytes()
    for end in range(len(text)):
        (folder / FILE).write_bytes(text[:end])
        with suppress(ShowError):
            load_show(folder)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a\0b", "x" * 65, " a", "a\nb"])
def test_a_name_that_would_be_a_path_is_no_name_of_a_show(name: str) -> None:
    assert not resources.is_name(name)


def test_what_hands_set_that_differs_from_the_patch_is_kept_and_nothing_else(tmp_path: Path) -> None:
    info = load_card(LIGHT, verify=False).info("")
    instrument = Instrument(find_patch("tidal"), info, seed=5)
    instrument.tree.set_base("/macro/1", 0.75)
    instrument.tree.set_base("/master/level", 0.5)
    assert instrument.changed() == {"/macro/1": 0.75, "/master/level": 0.5}
    said: list[str] = []
    macros: list[list[str | int]] = [["nano", 1, 21, 3], ["nano", 1, 22, 4, "sign"]]
    saver = ShowSaver(PlayOptions(audio="none", seed=5, monitor="HDMI"), instrument, lambda: macros, said.append)
    saver.save(tmp_path / "early")
    assert said == ["expected a show that plays; got none yet; saved nothing"]
    instrument.published = (find_patch("tidal").path, "light", instrument.state())
    saver.save(tmp_path / "friday")
    for _ in range(500):
        if len(said) > 1:
            break
        time.sleep(0.01)
    assert said[1:] == [f"show saved: {tmp_path / 'friday'}"]
    show = load_show(tmp_path / "friday")
    assert show.settings == {"patch": "tidal", "model": "light", "audio": "none", "seed": 5, "monitor": "HDMI"}
    assert show.parameters == {"/macro/1": 0.75, "/master/level": 0.5}
    assert show.midi_macros == (("nano", 1, 21, 3), ("nano", 1, 22, 4, "sign"))


def test_a_show_plays_on_another_machine_and_says_what_is_absent_there(home: Path, mine: Path, tmp_path: Path) -> None:
    """A folder alone, in another home: its own patch, parameters and seed; the device it listened to is not there."""
    kept = {"patch": "mine", "model": "light", "audio": "Nothing Like It:1-2=main,3=kick", "seed": 7, "size": (320, 180)}
    folder = tmp_path / "stick" / "friday"
    save_show(folder, ShowFolder(kept, {"/macro/1": 0.75, "/gone/1": 1.0}), mine, LIGHT, None)
    env = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "other"), "XDG_STATE_HOME": str(tmp_path / "state")}
    script = """
import sys
from engine.show import realtime
run = realtime.RealtimeShow.run
def look(show, seconds=None):
    run(show, seconds)
    tree = show.instrument.tree
    has_input = "/analysis/kick/onset/threshold" in tree
    print(show.instrument.player.patch.name, tree.leaf("/macro/1").base, tree.leaf("/seed").base, has_input)
realtime.RealtimeShow.run = look
from engine.cli import cli
cli(["play", "--show", sys.argv[1], "--headless", "--unsupervised", "--osc-bind", "off", "--midi", "off", "--seconds", "1"])
"""
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "mine 0.75 7 True", done.stderr
    assert "Nothing Like It" in done.stderr
    assert "/gone/1" in done.stderr
