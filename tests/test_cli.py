import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest
from command_line import run

from engine.cli import COMMANDS
from engine.commands.shared import split_flags
from engine.core import registry
from engine.core.types import ByteArray
from engine.outputs.sink import Sink
from engine.runtime.available import runtimes
from engine.show.options import PlayOptions
from engine.studio.random_model import write


def asked(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> PlayOptions:
    """What `clavilux play` with these words would perform."""
    heard: list[PlayOptions] = []
    monkeypatch.setattr("engine.show.perform.perform", lambda options, watched=None: heard.append(options))
    monkeypatch.setenv("XDG_STATE_HOME", os.devnull)  # no journal
    done = run("play", *words, "--unsupervised")
    assert done.exit_code == 0, done.output
    return heard[0]


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS), ("bench", "stage")])
def test_every_command_has_help_that_says_what_it_does(words: tuple[str, ...]) -> None:
    done = run(*words, "--help")
    assert done.exit_code == 0
    assert re.search(rf"Usage: clavilux {' '.join(words)}", done.output)
    summary = done.output.split("\n\n")[1].strip()
    assert summary.endswith((".", ":")) or "." in summary, "a command without a description"


def test_help_of_play_shows_examples_and_keys() -> None:
    text = run("play", "--help").output
    assert "clavilux play --audio" in text
    assert "--latent.truncation 0.6" in text
    assert "F freeze" in text


def test_parameters_are_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--headless", "--latent.truncation", "0.6", "first-light", "--stage.fit=crop", "--set", "/master/level", "0.5")
    options = asked(words, monkeypatch)
    assert options.patch == "first-light"
    assert options.params == (("/latent/truncation", "0.6"), ("/stage/fit", "crop"), ("/master/level", "0.5"))


def test_options_arrive_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    words = ("--headless", "--realtime", "--size", "640x360", "--seconds", "2.5", "--record", str(film), "--seed", "7", "--once")
    options = asked(words, monkeypatch)
    assert (options.mode, options.size, options.seconds, options.record) == ("headless", (640, 360), 2.5, film)
    assert (options.seed, options.loop, options.rate_hz) == (7, False, 60.0)


def test_outputs_may_be_many(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--headless", "--realtime", "--output", "show.mp4", "--output", "mjpeg:8090")
    assert asked(words, monkeypatch).outputs == ("show.mp4", "mjpeg:8090")


def test_headless_performs_in_real_time_as_it_always_did_with_realtime(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("--headless",), ("--headless", "--realtime")):
        options = asked(words, monkeypatch)
        assert (options.mode, options.rate_hz, options.record) == ("headless", 60.0, None)


def test_without_a_display_play_names_what_can_be_done_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = run("play")
    assert done.exit_code == 2
    assert "got neither DISPLAY nor WAYLAND_DISPLAY" in done.output
    assert "clavilux play --headless" in done.output
    assert "clavilux render" in done.output


def test_switches_at_the_root_of_the_tree_are_flags_that_may_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--headless", "--blackout", "tidal", "--freeze", "off")
    options = asked(words, monkeypatch)
    assert (options.patch, options.params) == ("tidal", (("/blackout", "on"), ("/freeze", "off")))
    assert split_flags(["--freeze=off", "--blackout"]) == ([], (("/freeze", "off"), ("/blackout", "on")))


def rendered(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> PlayOptions:
    """What `clavilux render` with these words would film."""
    heard: list[PlayOptions] = []
    monkeypatch.setattr("engine.show.perform.perform", heard.append)
    done = run("render", *words)
    assert done.exit_code == 0, done.output
    return heard[0]


def test_render_films_the_demo_or_a_song(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    options = rendered((), monkeypatch)
    assert (options.mode, options.audio, options.rate_hz) == ("film", "demo", 30.0)
    assert options.record == Path("out/first-light.mp4")
    words = ("song.flac", "-o", "mine.mov", "--patch", "tidal", "--at", "1.5", "/macro/1 0.9", "--walk.speed", "0.3", "--freeze")
    options = rendered(words, monkeypatch)
    assert (options.audio, options.record, options.patch) == ("song.flac", Path("mine.mov"), "tidal")
    assert options.cues == ((1.5, "/macro/1 0.9"),)
    assert options.params == (("/walk/speed", "0.3"), ("/freeze", "on"))
    assert rendered(("songs/a.b.mp3",), monkeypatch).record == Path("out/a.b.mp4")
    assert rendered(("song.flac", "--output", "there.mp4"), monkeypatch).record is None
    assert rendered(("song.flac", "--patch", "tidal"), monkeypatch).record == Path("out/song-tidal.mp4")
    assert rendered(("--patch", "tidal"), monkeypatch).record == Path("out/first-light-tidal.mp4")


def test_where_no_window_can_be_opened_make_plays_options_are_filmed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    heard: list[tuple[object, ...]] = []
    monkeypatch.setattr("engine.show.perform.perform", lambda *given: heard.append(given))
    Path("out").mkdir()
    Path("out/first-light.mp4").write_bytes(b"filmed before")

    def filmed(*words: str) -> PlayOptions:
        done = run("play", "--film", *words)
        assert done.exit_code == 0, done.output
        options, supervised = heard.pop()
        assert isinstance(options, PlayOptions)
        assert supervised is None
        return options

    options = filmed()
    assert (options.mode, options.rate_hz, options.record) == ("film", 30.0, Path("out/first-light-2.mp4"))
    options = filmed("tidal", "--macro.2", "0.8", "--fps", "25")
    assert (options.patch, options.rate_hz, options.params) == ("tidal", 25.0, (("/macro/2", "0.8"),))
    assert options.record == Path("out/first-light-tidal.mp4")
    assert filmed("tidal", "--audio", "songs/song.flac").record == Path("out/song-tidal.mp4")
    assert filmed("--record", "mine.mov").record == Path("mine.mov")
    assert filmed("--output", "there.mp4").record is None


def test_a_film_is_written_over_another_only_where_its_name_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("out/first-light.mp4").write_bytes(b"filmed before")
    assert rendered((), monkeypatch).record == Path("out/first-light-2.mp4")
    assert rendered(("-o", "out/first-light.mp4"), monkeypatch).record == Path("out/first-light.mp4")


def test_a_film_of_a_show_leaves_the_shows_own_outputs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fri").mkdir()
    (tmp_path / "fri" / "show.toml").write_text('schema = 1\noutputs = ["concert.mp4"]\n')
    monkeypatch.setattr("engine.core.resources._added", [])
    show = ("none", "--show", str(tmp_path / "fri"))
    options = rendered(show, monkeypatch)
    assert (options.outputs, options.record) == ((), Path("out/none.mp4"))
    assert rendered((*show, "--output", "there.mp4"), monkeypatch).outputs == ("there.mp4",)


def test_a_model_made_by_hand_is_played_by_the_patch_for_any(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = {"resolution": 16, "z_dim": 8, "w_dim": 8, "c_dim": 2, "channel_base": 64, "channel_max": 4}
    write(tmp_path / "mine", "mine", "stylegan2", config | {"mapping_layers": 1, "conv_clamp": 0.0})
    assert "\npatch" not in (tmp_path / "mine" / "model.toml").read_text()
    words = ("none", "--model", str(tmp_path / "mine"), "-o", str(tmp_path / "mine.mp4"), "--seconds", "0.2", "--size", "64x64")
    done = run("render", *words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "mine.mp4").stat().st_size > 0
    (tmp_path / "mine.mp4").unlink()
    assert rendered(words, monkeypatch).patch == "wildcard"
    assert rendered(("none", "-o", str(tmp_path / "other.mp4")), monkeypatch).patch == "first-light"


def test_a_film_is_made_beside_another_kind_of_output_whose_target_ends_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Prints(Sink):
        @classmethod
        def from_target(cls, target: str) -> Self:
            return cls(target)

        def write_picture(self, rgba: ByteArray, t_s: float) -> None: ...

    monkeypatch.setitem(registry._parts["sink"], "prints", Prints)
    assert rendered(("song.flac", "--output", "prints:there.mp4"), monkeypatch).record == Path("out/song.mp4")


def test_nothing_is_said_or_written_of_a_film_whose_patch_or_song_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (("play", "--film", "nothing"), ("render", "--patch", "nothing"), ("render", "nothing.flac")):
        command = [sys.executable, "-m", "engine.cli", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "nothing" in done.stderr
        assert not list(tmp_path.iterdir())


def test_what_params_and_completion_offer_play_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = json.loads(run("params", "--json").output)
    offered = {entry["flag"]: entry for entry in entries if entry["flag"]}
    assert {"--blackout", "--freeze", "--walk.speed", "--seed"} <= offered.keys()
    for flag, entry in offered.items():
        value = entry["patch"]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        if entry["kind"] != "vector" and text:
            assert asked(("--headless", flag, text), monkeypatch)
    for entry in entries:
        if entry["kind"] in ("trigger", "action"):
            assert entry["flag"] == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--hedless",), "Did you mean"),
        (("--size", "wide"), "expected WIDTHxHEIGHT such as 1280x720; got 'wide'"),
        (("--size", "321x181"), "expected even sides"),
        (("--seconds", "0"), "--seconds"),
        (("--headless", "--latent.truncatoin", "1"), "as /latent/truncation"),
        (("--headless", "--latent.truncation", "much"), "expected float for truncation; got 'much'"),
        (("--headless", "--stage.fit", "stretch"), "crop, mirror, tile"),
        (("--headless", "--latent.truncation"), "expected a value after --latent.truncation"),
        (("first-light", "lagoon"), "unexpected extra argument"),
        (("--headless", "--output", "show.avi"), "expected an output NAME:TARGET"),
        (("--headless", "--output", "mjpeg:here"), "expected mjpeg:PORT or mjpeg:HOST:PORT"),
        (("--headless", "--output", "a.mp4", "--record", "a.mp4"), "expected different outputs; got a.mp4 twice"),
        (("--headless", "--output", str(Path("a.mp4").resolve()), "--record", "a.mp4"), "got a.mp4 twice, once as /"),
        (("--headless", "--output", "x/../a.mp4", "--output", "film:./a.mp4"), "got a.mp4 twice, once as x/../a.mp4"),
    ],
)
def test_mistakes_are_named_without_a_traceback(words: tuple[str, ...], message: str) -> None:
    done = run("play", "--unsupervised", *words)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("render", "--patch", "no-such-patch"), "no-such-patch"),
        (("render", "--model", "no-such-model"), "no-such-model"),
        (("render", "--assets", "/no/such/folder"), "/no/such/folder from --assets"),
        (("render", "no-such-song.flac"), "no-such-song.flac"),
        (("params", "no-such-patch"), "no-such-patch"),
    ],
)
def test_what_is_not_there_ends_with_one_line_and_code_2(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine.cli", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("clavilux: ")
    assert "expected" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_runtimes_that_there_are() -> None:
    text = "".join(run("play", "--help").output.split())  # lines may break at any hyphen
    assert f"Whatexecutesthenetwork:{','.join(runtimes())};auto" in text


def test_flags_are_parted_from_the_rest() -> None:
    assert split_flags(["lagoon", "--a.b=1", "--seed", "3", "--c.d.e", "-1", "--", "--f.g"]) == (
        ["lagoon", "--seed", "3", "--", "--f.g"],
        (("/a/b", "1"), ("/c/d/e", "-1")),
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_for_the_shell(shell: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == 0
    assert "_CLAVILUX_COMPLETE" in done.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [("clavilux pl", "play"), ("clavilux play first-l", "first-light"), ("clavilux play --latent.trunc", "--latent.truncation")],
)
def test_shell_completes_commands_patches_and_parameters(words: str, expected: str) -> None:
    env = os.environ | {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_CLAVILUX_COMPLETE": "bash_complete"}
    done = subprocess.run([sys.executable, "-m", "engine.cli"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert expected in [line.split(",")[1] for line in done.stdout.splitlines()]


def test_starting_is_quick_and_loads_no_heavy_library() -> None:
    script = (
        "import sys; from engine.cli import cli; cli(['play', '--help'], standalone_mode=False);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'openvino', 'moderngl', 'av', 'sounddevice')))"
    )
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False).returncode == 0
    assert time.monotonic() - started < 5.0  # ten times what it takes


@pytest.mark.parametrize(
    "words", [("train", ".", "-o", "run", "--minutes"), ("walk", "light", "--seconds"), ("play", "--seconds")]
)
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_finite_number_is_refused(words: Sequence[str], value: str) -> None:
    done = run(*words, value)
    assert done.exit_code == 2
    assert re.search(f"expected a finite number; got {value}|{value} is not in the range", done.output), done.output
