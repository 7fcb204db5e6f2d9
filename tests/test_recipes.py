"""Each recipe of CONTRIBUTING.md taken literally: one file, and nothing else has to change."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PLACE = re.compile(r"(?:#|//) (\S+/\S+\.\w+)\n")
MODEL = re.compile(r"^python (-m engine\.studio\.random_model .*)$", re.M)
# What is offered once the recipes are written: words of a command, and what it then prints.
OFFERED = (
    (("parts", "feature"), ("feature crest", "full_db", "values: crest")),
    (("parts", "pass"), ("pass posterise", "levels")),
    (("parts", "controller"), ("controller deadband", "width")),
    (("parts", "mover"), ("mover orbit", "bars")),
    (("parts", "mixer"), ("mixer single_class", "hysteresis")),
    (("parts", "input"), ("input twist", "turns")),
    (("parts", "architecture"), ("architecture plasma",)),
    (("parts", "runtime"), ("runtime torch-all-cores", "only by name")),
    (("parts", "sink"), ("sink png",)),
    (("parts", "action"), ("action tell", "/tell TEXT [SENDER]")),
    (("patches",), ("lantern",)),
    (("models",), ("plasma  plasma, 256x256",)),
    (
        ("params", "lantern", "--model", "plasma"),
        ("/analysis/crest/full_db", "/shader/posterise/levels", "/network/twist/turns", "/tell"),
    ),
    (("play", "--help"), ("torch-all-cores", "png:out/pictures")),
)
PLAYED = (
    *("render", "synthetic", "-o", "out/film.mp4", "--patch", "lantern", "--model", "plasma", "--runtime", "torch-all-cores"),
    *("--seconds", "1", "--size", "320x180", "--network.twist.turns", "0.3", "--shader.posterise.amount", "0.8"),
    *("--analysis.crest.full_db", "30", "--output", "png:out/pictures", "--at", "0.5", "/tell 'half way' me"),
)


def recipes() -> dict[str, str]:
    """Where each recipe's file goes, and the file."""
    found = {}
    for language, block in FENCE.findall((CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        place = PLACE.match(block)
        if language in ("python", "glsl", "toml") and place is not None:
            found[place[1]] = block
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is tracked, with the file of every recipe in it and the model of the architecture's."""
    folder = tmp_path_factory.mktemp("tree")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs the git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    for place, text in recipes().items():
        assert not (folder / place).exists(), f"{place} is there already"
        (folder / place).write_text(text, encoding="utf-8")
    words = MODEL.search((CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert words is not None
    subprocess.run(f"{sys.executable} {words[1]}", shell=True, cwd=folder, env=environment(folder), check=True, timeout=120)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """That of a newcomer with this tree and nothing of their own."""
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        "XDG_DATA_HOME": str(folder / "home"),
        "MYPY_CACHE_DIR": str(folder / ".mypy"),
    }


def clavilux(tree: Path, *words: str) -> str:
    command = [sys.executable, "-m", "engine.cli", *words]
    done = subprocess.run(command, cwd=tree, env=environment(tree), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_there_is_a_recipe_for_each_extension_point() -> None:
    folders = {str(Path(place).parent) for place in recipes()}
    assert folders == {
        "engine/features",
        "shaders",
        "patches",
        "engine/control/controllers",
        "engine/latent/movers",
        "engine/latent/mixers",
        "engine/latent/inputs",
        "engine/generators",
        "engine/runtime/backends",
        "engine/outputs",
        "engine/control/actions",
    }


@pytest.mark.parametrize(("words", "offered"), OFFERED, ids=[" ".join(words) for words, _ in OFFERED])
def test_what_a_recipe_made_is_offered_everywhere(tree: Path, words: tuple[str, ...], offered: tuple[str, ...]) -> None:
    printed = clavilux(tree, *words)
    for text in offered:
        assert text in printed


def test_all_of_them_play_together(tree: Path) -> None:
    printed = clavilux(tree, *PLAYED)
    assert "me: half way" in printed
    assert (tree / "out" / "film.mp4").stat().st_size > 1000
    assert list((tree / "out" / "pictures").glob("*.png"))


@pytest.mark.timeout(900)
def test_every_check_of_make_quick_passes_with_them_and_nothing_else_was_changed(tree: Path) -> None:
    command = [sys.executable, "-m", "tools.quick"]
    done = subprocess.run(command, cwd=tree, env=environment(tree), capture_output=True, text=True, timeout=850, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("crest", "posterise", "deadband", "orbit", "single_class", "twist", "plasma", "torch-all-cores", "png", "tell"):
        assert name in clavilux(tree, "parts")
