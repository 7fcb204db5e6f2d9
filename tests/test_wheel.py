"""The wheel alone, away from the checkout: built, installed into an empty environment, performed with."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import av
import pytest

from engine.core.registry import names

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*command, str(CHECKOUT)], check=True)
    (built,) = folder.glob("clavilux-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel; its dependencies are lent by the one that runs the tests."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=os.name != "nt")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", str(wheel)], check=True)
    site = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    )
    # A .pth file lends packages, but the .pth files among them (that of the checkout's editable install) are not read.
    (Path(site.stdout.strip()) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    lost = ("PYTHONPATH", "DISPLAY", "WAYLAND_DISPLAY", "XDG_DATA_HOME")
    env = {key: value for key, value in os.environ.items() if key not in lost} | {"XDG_CACHE_HOME": str(folder / "cache")}
    env["HOME"] = str(folder)
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=240, check=False)


def test_wheel_carries_every_tracked_shelf_file(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "shaders", "patches", "models"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    tracked = {name for name in listed.stdout.split("\0") if name}
    if not tracked:
        pytest.skip("needs the git checkout")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    carried = {name.split("/share/clavilux/", 1)[1] for name in names if "/share/clavilux/" in name}
    assert not tracked - carried
    assert not [name for name in names if name.startswith(("tests/", "tools/"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_installed_wheel_does_not_see_the_checkout(installed: Path, tmp_path: Path) -> None:
    script = (
        "import engine, sys; from engine.core import resources;"
        " print(engine.__file__); print(*resources.roots()); print(sys.path)"
    )
    seen = run(str(installed / "python"), "-c", script, folder=tmp_path)
    assert seen.returncode == 0, seen.stderr
    assert str(installed.parent) in seen.stdout.splitlines()[0]
    assert str(CHECKOUT) not in [*seen.stdout.splitlines()[0].split(), *seen.stdout.splitlines()[1].split()]
    assert repr(str(CHECKOUT)) not in seen.stdout.splitlines()[2]


def test_installed_wheel_lists_its_parts_and_those_of_a_package_beside_it(installed: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "halves"\nversion = "1.0"\n[project.entry-points."clavilux.parts"]\n"controller.half" = "half"\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["half.py"]\n'
    )
    (package / "half.py").write_text(
        '"""Half of what comes in."""\nfrom engine.control.controller import Controller\n'
        'from engine.core.registry import register\n\n@register("controller", "half")\nclass Half(Controller):\n'
        "    def step(self, x, context):\n        return x / 2\n"
    )
    python = str(installed / "python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, str(package)], check=True)
    done = run(str(installed / "clavilux"), "parts", "controller", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {part["name"]: part["package"] for part in json.loads(done.stdout)}
    assert found.pop("half") == "halves 1.0"
    assert tuple(sorted(found)) == names("controller")
    assert set(found.values()) == {""}
    for kind in ("architecture", "runtime"):
        listed = run(str(installed / "clavilux"), "parts", kind, folder=tmp_path)
        assert listed.returncode == 0, listed.stderr
        assert all(f"{kind} {name}\n" in listed.stdout for name in names(kind))


def test_installed_wheel_performs_five_seconds(installed: Path, tmp_path: Path) -> None:
    done = run(str(installed / "clavilux"), "render", "--seconds", "5", "--size", "320x180", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with av.open(str(tmp_path / "out" / "first-light.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 150
