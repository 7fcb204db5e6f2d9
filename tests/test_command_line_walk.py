"""Every option of every command, given what is absent, empty, unreadable or absurd: one line and never a traceback."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from command_line import run

from engine.cli import COMMANDS, LOOP, cli, main

PORTS = ("--osc-bind", "off", "--midi", "off")
# What a command is called with beside the option that is tried, so that it gets as far as to look at that option.
BESIDE = {"play": ("--headless", "--unsupervised", "--seconds", "0", *PORTS), "render": ("--seconds", "0")}
LONG = ("completion", "doctor", "bench")  # take no values, or measure for a minute first


def options() -> Iterator[tuple[str, str]]:
    with click.Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            for param in command.params:
                takes = isinstance(param, click.Option) and not param.is_flag and not param.count
                if takes and name not in LONG:
                    yield name, max(param.opts, key=len)


def absurd(folder: Path) -> list[str]:
    (folder / "empty").write_bytes(b"")
    (folder / "junk.toml").write_bytes(bytes(range(256)))
    (folder / "folder").mkdir()
    dangling = folder / "dangling.wav"
    dangling.symlink_to(folder / "gone")
    (folder / "loop").symlink_to(folder / "loop")
    found = ["", " ", "-1", "nan", "1e999", "0", "99999999999999999999", "x" * 5000, "no-such-thing", "\u00e9\u4e2d", "a\tb"]
    places = ["no/such/file.wav", "empty", "junk.toml", "folder", "dangling.wav", "loop", "/dev/null", "/proc/self/mem", "../.."]
    return [*found, *(str(folder / place) if not place.startswith(("/", ".")) else place for place in places)]


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_no_value_of_an_option_gives_a_traceback(
    command: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("engine.core.resources._added", [])
    performed: list[object] = []
    monkeypatch.setattr("engine.show.perform.perform", lambda *given: performed.append(given))
    with click.Context(cli) as context:
        made = cli.get_command(context, command)
    assert made is not None
    arguments = ["nothing-here"] * sum(isinstance(param, click.Argument) and param.required for param in made.params)
    for value in absurd(tmp_path):
        words = [command, *arguments, *BESIDE.get(command, ()), option, value]
        if option == "--at":
            words.append("/seed 1")
        done = run(*words)
        error = done.exception
        told = isinstance(error, OSError | ValueError | LookupError) and not isinstance(error, KeyError | IndexError)
        told = told or (isinstance(error, RuntimeError) and LOOP in str(error))
        assert error is None or isinstance(error, SystemExit) or told, (words, error)
        if told:
            assert str(error).strip(), words
        monkeypatch.setattr("engine.core.resources._added", [])


def test_what_is_said_of_a_long_mistake_stays_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["clavilux", "build", "--runtime", "x\n" * 5000])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert len(line) < 1100


@pytest.mark.parametrize("name", ["loop", b"caf\xe9.mp3"])
def test_names_that_lead_nowhere_or_cannot_be_written_are_one_line(tmp_path: Path, name: str | bytes) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    words = [sys.executable.encode(), b"-m", b"engine.cli", b"models", b"--assets", os.fsencode(name)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_the_walk_sees_the_options() -> None:
    found = list(options())
    assert len(found) > 60
    assert {("play", "--monitor"), ("render", "--at"), ("train", "--minutes")} <= set(found)
    assert not [pair for pair, times in itertools.groupby(sorted(found)) if len(list(times)) > 1]
