import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.commands.play import command, without_the_users
from engine.commands.resuming import as_resumed
from engine.core import resources
from engine.guard.journal import SWITCHED_ON
from engine.guard.launch_environment import LaunchEnvironment
from engine.guard.supervised_show import SupervisedShow
from engine.outputs.filenames import unused
from engine.show import perform
from engine.show.options import PlayOptions

HANDS: dict[str, object] = {"/macro/2": 0.25, "/macro/3": 0.75, "/seed": 5}
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SupervisedShow]:
    """What a show finds whose predecessor played `patch` and `model`; `again` after a crash, else by --resume."""
    monkeypatch.setattr(resources, "_added", [])

    def write(patch: str = "tidal", model: str = "light", again: bool = False, **more: object) -> SupervisedShow:
        journal = tmp_path / "journal.json"
        bases = HANDS | {f"/{name}": value for name, value in more.items()}
        journal.write_text(json.dumps({"schema": 1, "patch": patch, "model": model, "bases": bases, "parts": {}}))
        return SupervisedShow(LaunchEnvironment(resume=str(journal), life=int(again), left_s=7.0 if again else None))

    return write


def bases(supervised: SupervisedShow) -> dict[str, object]:
    assert supervised.saved is not None
    return dict(supervised.saved.bases)


def test_resumed_is_what_was_played_and_what_is_named_wins(left: Callable[..., SupervisedShow]) -> None:
    supervised = left(record=True)
    options = as_resumed(PlayOptions(params=(("/macro/2", "0.9"),), seed=8), supervised, frozenset({"seed"}))
    assert (options.patch, options.model, options.seed) == ("tidal", "light", 8)
    assert bases(supervised) == {"/macro/3": 0.75}
    assert not supervised.messages


def test_a_recording_of_another_day_is_not_gone_on_with(left: Callable[..., SupervisedShow]) -> None:
    supervised = left()
    assert supervised.saved is not None
    supervised.saved = replace(supervised.saved, parts={SWITCHED_ON: ["/record", "/live"]})
    as_resumed(PlayOptions(), supervised, NOBODY)
    assert supervised.saved.switched_on == ("/live",)


@pytest.mark.parametrize("named", ["/limiter/on", "/limiter/enabled"])
def test_what_is_named_wins_under_its_old_name_too(named: str, left: Callable[..., SupervisedShow]) -> None:
    for saved in ("limiter/on", "limiter/enabled"):
        supervised = left(**{saved: True})
        as_resumed(PlayOptions(params=((named, "off"),)), supervised, NOBODY)
        assert bases(supervised) == HANDS


def test_resumed_with_another_patch_plays_that_as_saved(left: Callable[..., SupervisedShow]) -> None:
    supervised = left()
    assert as_resumed(PlayOptions(patch="deep-music"), supervised, frozenset({"patch"})).patch == "deep-music"
    assert bases(supervised) == {}
    assert "of tidal" in supervised.messages[0]
    supervised = left()
    assert as_resumed(PlayOptions(patch="tidal"), supervised, frozenset({"patch"})).patch == "tidal"
    assert bases(supervised) == HANDS


def test_a_show_that_crashed_plays_on_what_it_played_whatever_the_command_line_says(
    left: Callable[..., SupervisedShow], tmp_path: Path
) -> None:
    film = tmp_path / "show.mp4"
    film.write_bytes(b"recorded before the crash")
    asked = PlayOptions(
        patch="first-light",
        params=(("/macro/2", "0.9"), ("/no/longer/there", "1")),
        seconds=60.0,
        record=film,
        audio="synthetic",
    )
    supervised = left(again=True)
    options = as_resumed(asked, supervised, frozenset({"patch", "model", "seed"}))
    played_on = replace(
        asked, patch="tidal", params=(("/macro/2", "0.9"),), seconds=7.0, record=tmp_path / "show-2.mp4", again=True
    )
    assert options == played_on
    assert bases(supervised) == HANDS, "hands came after the command line"


def test_a_recording_that_was_ended_before_the_crash_is_not_begun_again(
    left: Callable[..., SupervisedShow], tmp_path: Path
) -> None:
    asked = PlayOptions(record=tmp_path / "show.mp4")
    assert as_resumed(asked, left(again=True, record=False), NOBODY).record is None
    assert as_resumed(asked, left(again=True, record=True), NOBODY).record == tmp_path / "show.mp4"
    assert as_resumed(asked, left(again=False, record=False), NOBODY).record == tmp_path / "show.mp4"


def test_a_model_in_a_folder_plays_on_after_a_crash(left: Callable[..., SupervisedShow], tmp_path: Path) -> None:
    folder = shutil.copytree(resources.find("models", "light"), tmp_path / "mine")
    supervised = left(model=str(folder), again=True)
    assert as_resumed(PlayOptions(), supervised, NOBODY).model == str(folder)
    assert not supervised.messages


@pytest.mark.parametrize(("patch", "model", "word"), [("gone", "light", "gone.toml"), ("tidal", "gone", "'gone'")])
@pytest.mark.parametrize("again", [False, True])
def test_what_is_no_longer_there_is_told_and_what_was_asked_for_plays(
    patch: str, model: str, word: str, again: bool, left: Callable[..., SupervisedShow]
) -> None:
    supervised = left(patch, model, again)
    options = as_resumed(PlayOptions(patch="deep-music"), supervised, NOBODY)
    assert options.patch == ("deep-music" if patch == "gone" else "tidal")
    assert options.model == "light"
    assert len(supervised.messages) == 1
    assert word in supervised.messages[0]
    assert "plays instead" in supervised.messages[0]
    assert bases(supervised) == HANDS


def test_without_a_journal_the_command_line_holds(tmp_path: Path) -> None:
    asked = PlayOptions(patch="deep-music", seconds=3.0)
    assert as_resumed(asked, SupervisedShow(LaunchEnvironment()), NOBODY) == asked
    assert as_resumed(asked, SupervisedShow(LaunchEnvironment(life=1)), NOBODY) == replace(asked, again=True)


def test_safe_mode_keeps_sound_hands_and_outputs_and_nothing_else_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = PlayOptions(
        patch="mine", model="mine", runtime="torch", params=(("/a", "1"),), resume=True, audio="my.wav", osc_bind="0.0.0.0:9"
    )
    assert without_the_users(asked) == PlayOptions(frames="host", audio="my.wav", osc_bind="0.0.0.0:9", safe=True)
    for folder in (tmp_path / "clavilux" / "patches", tmp_path / "assets" / "patches"):
        folder.mkdir(parents=True)
        (folder / "first-light.toml").write_text("mine")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(resources, "_added", [tmp_path / "assets"])
    monkeypatch.setattr(resources, "_shipped_alone", False)
    assert resources.find("patches", "first-light.toml").read_text() == "mine"
    resources.use_shipped_alone()
    assert resources.find("patches", "first-light.toml").read_text() != "mine"


def test_no_recording_is_written_over(tmp_path: Path) -> None:
    assert unused(tmp_path / "a.mp4") == tmp_path / "a.mp4"
    for name in ("a.mp4", "a-2.mp4"):
        (tmp_path / name).touch()
    assert unused(tmp_path / "a.mp4") == tmp_path / "a-3.mp4"


def test_safe_mode_does_not_ask_for_what_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[PlayOptions] = []
    monkeypatch.setattr(perform, "perform", lambda options, supervised: played.append(options))
    monkeypatch.setattr(resources, "_shipped_alone", False)
    words = ["gone", "--model", "gone", "--safe", "--headless", "--unsupervised", "--no.such.parameter", "1"]
    CliRunner().invoke(command, words, catch_exceptions=False)
    assert [(options.patch, options.model) for options in played] == [(PlayOptions().patch, PlayOptions().model)]
