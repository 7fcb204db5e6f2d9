"""Parts by name: those of the program, under the names of today and of old, and those of installed packages."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core import registry

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LIBRARIES = {"torch", "openvino", "tensorrt", "tensorrt_rtx_bindings", "onnx", "onnxruntime"}


def python(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that finds the engine, and what is installed in `paths`."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*paths, CHECKOUT)))}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=120)


def test_a_part_is_found_by_name() -> None:
    name = registry.names("feature")[0]
    assert isinstance(registry.lookup("feature", name), type)


@pytest.mark.parametrize("kind", registry.PACKAGES)
def test_every_part_is_in_the_module_of_its_name(kind: str) -> None:
    for name in registry.names(kind):
        assert registry.source_module(kind, name) == registry.lookup(kind, name).__module__
        if not registry.origin(kind, name):
            assert registry.lookup(kind, name).__module__ == f"{registry.PACKAGES[kind]}.{name.replace('-', '_')}"


def test_unknown_name_lists_what_there_is() -> None:
    known = registry.names("feature")
    with pytest.raises(LookupError, match=f"expected a feature, one of {', '.join(known)}; got 'smell'"):
        registry.lookup("feature", "smell")
    with pytest.raises(LookupError, match="expected an architecture, one of "):
        registry.lookup("architecture", "smell")


@pytest.mark.parametrize("name", ["onset.smell", "a.b.c", ".onset", "", "on set", "on\0set", "../onset", "x" * 5000])
def test_a_name_that_is_no_modules_is_unknown_and_leads_nowhere(name: str) -> None:
    with pytest.raises(LookupError, match="expected a feature, one of "):
        registry.lookup("feature", name)


def test_a_taken_name_is_refused_and_kept() -> None:
    name = registry.names("feature")[0]
    first = registry.lookup("feature", name)
    taken = re.escape(f"got '{name}', which is {first.__module__}.{first.__qualname__}")
    copied = {
        "__module__": "engine.features.copied",
        "__qualname__": first.__qualname__,
    }  # copied, not renamed
    for impostor in (type("Impostor", (), {}), type(first.__name__, (), copied)):
        own = re.escape(f"{impostor.__module__}.{impostor.__qualname__}")
        with pytest.raises(ValueError, match=f"expected a new feature name for {own}; {taken}"):
            registry.register("feature", name)(impostor)
        assert registry.lookup("feature", name) is first


def test_a_module_that_is_loaded_again_takes_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = registry.names("feature")[0]
    first = registry.lookup("feature", name)
    monkeypatch.setitem(registry._parts["feature"], name, first)  # put back after the test
    again = type(first.__name__, (), {"__module__": first.__module__, "__qualname__": first.__qualname__})
    registry.register("feature", name)(again)
    assert registry.lookup("feature", name) is again


def test_names_of_old_lead_to_the_part_and_are_not_listed() -> None:
    for kind in ("controller", "mover", "mixer", "input", "feature", "runtime"):
        for old, new in registry.renamed(kind).items():
            assert registry.lookup(kind, old) is registry.lookup(kind, new)
            assert registry.canonical(kind, old) == new
            assert old not in registry.names(kind)
            assert old in registry.former_names(kind, new)
    assert registry.renamed("controller")
    assert registry.renamed("input")


def test_a_name_of_old_is_found_by_a_program_that_has_imported_nothing_yet() -> None:
    done = python("from engine.core.registry import lookup; print(lookup('controller', 'quantise').__name__)")
    assert done.stdout == "SampleHold\n", done.stderr


@pytest.mark.parametrize("name", registry.names("runtime"))
def test_looking_up_one_runtime_loads_no_library(name: str) -> None:
    code = f"from engine.core.registry import lookup; lookup('runtime', {name!r})"
    done = python(f"import sys; {code}; print({LIBRARIES!r} & set(sys.modules))")
    assert done.stdout == "set()\n", done.stderr


def test_listing_runtimes_and_what_they_need_loads_no_library() -> None:
    code = "from engine.runtime.available import availabilities, compiled_runtimes; availabilities(); compiled_runtimes()"
    done = python(f"import sys; {code}; print({LIBRARIES!r} & set(sys.modules))")
    assert done.stdout == "set()\n", done.stderr


ORBIT = '''
"""Goes round in a circle."""
import numpy as np
from engine.core.params import Param
from engine.core.registry import register
from engine.latent.mover import Mover

@register("mover", "orbit", formerly=("circle",))
class Orbit(Mover):
    """A circle."""
    radius = Param(1.5, low=0.0, high=4.0, unit="sigma", doc="How far from the middle.", formerly=("size",))

    def step(self, z, context):
        z[0] += self.radius * np.cos(context.beats)
'''
PATCH = """
[mover.sun]
kind = "orbit"
size = 2.5
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which packages are installed: one with good parts, others with bad ones."""
    site = tmp_path_factory.mktemp("site")
    entries = {
        "orbits 1.2": {"mover.orbit": "orbits.orbit"},
        "broken 0.1": {
            "mover.broken": "broken_part",
            "mover.empty": "empty_part",
            "mover.gone": "no_such_module",
            "mover.quits": "quitting_part",
            "sink.tints": "broken_part",
        },
        "copycat 3.0": {"mover.walk": "copied_walk", "mover.orbit": "z_orbit"},
    }
    for package, points in entries.items():
        name, version = package.split()
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            "[clavilux.parts]\n" + "".join(f"{key} = {module}\n" for key, module in points.items())
        )
    (site / "orbits").mkdir()
    (site / "orbits" / "__init__.py").write_text("")
    (site / "orbits" / "orbit.py").write_text(ORBIT)
    (site / "z_orbit.py").write_text(ORBIT)
    (site / "copied_walk.py").write_text(ORBIT.replace('"orbit"', '"walk"'))
    (site / "broken_part.py").write_text("import nothing_there\n")
    (site / "empty_part.py").write_text("")
    (site / "quitting_part.py").write_text("raise SystemExit(0)\n")
    return site


def test_a_part_of_an_installed_package_is_found_and_only_its_module_imported(packages: Path) -> None:
    code = """
import sys
from engine.core.registry import lookup, origin, source_module
print(source_module("mover", "orbit"), "orbits.orbit" in sys.modules)
print(lookup("mover", "orbit").__module__, origin("mover", "orbit"))
print({"broken_part", "empty_part", "copied_walk", "z_orbit"} & set(sys.modules))
print(lookup("mover", "circle").__name__, lookup("mover", "walk").__module__)
"""
    done = python(code, packages)
    assert done.stdout.splitlines() == [
        "orbits.orbit False",
        "orbits.orbit orbits 1.2",
        "set()",
        "Orbit engine.latent.movers.walk",
    ], done.stderr


def test_what_cannot_be_imported_or_is_taken_is_told_once_in_a_line_and_left_out(packages: Path) -> None:
    code = """
from engine.core.registry import lookup, names
print(*names("mover"))
names("mover")
for name in ("broken", "empty", "gone", "quits"):
    try:
        lookup("mover", name)
    except LookupError as error:
        print(error)
"""
    done = python(code, packages)
    own = registry.names("mover")
    listed, *refused = done.stdout.splitlines()
    assert listed.split() == sorted((*own, "orbit"))
    wrongs = [
        "expected the mover 'broken' in broken_part of broken 0.1; got ModuleNotFoundError: No module named 'nothing_there'",
        "expected the mover 'empty' in empty_part of broken 0.1; got a module that registers none of this name",
        "expected the mover 'gone' in no_such_module of broken 0.1; got ModuleNotFoundError: No module named 'no_such_module'",
        "expected the mover 'quits' in quitting_part of broken 0.1; got SystemExit: 0",
    ]
    assert refused == wrongs
    taken = [
        "expected the mover 'walk' in copied_walk of copycat 3.0; got a name of the program's own, which stays",
        "expected the mover 'orbit' in z_orbit of copycat 3.0; got a name that orbits 1.2 has taken",
    ]
    assert sorted(done.stderr.splitlines()) == sorted(f"{wrong}; left it out" for wrong in (*wrongs, *taken))


def test_an_output_of_a_package_that_cannot_be_imported_says_why(packages: Path) -> None:
    done = python("from engine.cli import cli; cli(['play', '--headless', '--output', 'tints:x'])", packages)
    assert done.returncode == 2
    wrong = "expected the sink 'tints' in broken_part of broken 0.1; got ModuleNotFoundError: No module named 'nothing_there'"
    assert f"{wrong}; from --output 'tints:x'" in done.stderr


def test_in_safe_mode_no_package_is_imported_or_offered(packages: Path) -> None:
    code = """
import sys
from engine.core import resources
from engine.core.registry import lookup, names
resources.use_shipped_alone()
print(*names("mover"))
print({"broken_part", "empty_part", "orbits.orbit", "quitting_part"} & set(sys.modules))
try:
    lookup("mover", "orbit")
except LookupError as error:
    print(str(error).partition(",")[0])
"""
    done = python(code, packages)
    assert done.stdout.splitlines() == [" ".join(registry.names("mover")), "set()", "expected a mover"], done.stderr
    assert done.stderr == ""


def test_it_is_listed_plays_in_a_patch_and_has_flags(packages: Path, tmp_path: Path) -> None:
    listed = python("from engine.cli import cli; cli(['parts', 'mover', '--json'])", packages)
    (orbit,) = [part for part in json.loads(listed.stdout) if part["name"] == "orbit"]
    assert (orbit["package"], orbit["doc"]) == ("orbits 1.2", "Goes round in a circle.")
    assert [(one["name"], one["range"], one["unit"], one["default"]) for one in orbit["parameters"]] == [
        ("radius", "0 to 4", "sigma", "1.5")
    ]
    patch = tmp_path / "sun.toml"
    patch.write_text((CHECKOUT / "patches" / "first-light.toml").read_text() + PATCH)
    code = f"""
import numpy as np
from pathlib import Path
from engine.commands.shared import tree_of
from engine.control.patch import load_patch
from engine.core import resources
from engine.instrument.instrument import HOP, Instrument
from engine.runtime.card import load_card
flags = tree_of({str(patch)!r}, "light")
print(flags.leaf("/sun/radius").base, flags.leaf("/sun/radius").param.unit)
model = load_card(resources.model_folder("light")).info("")
for given in ((), (("/sun/radius", "0.5"),)):
    instrument = Instrument(load_patch(Path({str(patch)!r})), model, settings=given)
    print(instrument.hear({{"main": np.zeros(HOP, np.float32)}}, 0.0).params["/sun/radius"])
"""
    done = python(code, packages)
    assert done.stdout.splitlines() == ["2.5 sigma", "2.5", "0.5"], done.stderr


ACTION = '''
from engine.control.action import Action
from engine.core.registry import register

@register("action", "NAME")
class Asked(Action):
    """Do it."""
    address = "ADDRESS"

    def do(self, show: object, what: KIND = None) -> None: ...
'''


def test_a_packages_action_that_cannot_be_placed_is_left_out_and_the_show_starts(tmp_path: Path) -> None:
    parts = {
        "a-freeze": ("/freeze", "str"),
        "a-record": ("/record", "str"),
        "a-macro": ("/macro/1", "str"),
        "a-walk": ("/walk/jitter", "str"),
        "bad-kind": ("/badly", "list"),
        "good": ("/good/one", "str"),
    }
    info = tmp_path / "acts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acts\nVersion: 1.0\n")
    modules = {name: f"acted_{name.replace('-', '_')}" for name in parts}
    points = "".join(f"action.{name} = {module}\n" for name, module in modules.items())
    (info / "entry_points.txt").write_text(f"[clavilux.parts]\n{points}")
    for name, (address, kind) in parts.items():
        text = ACTION.replace("NAME", name).replace("ADDRESS", address).replace("KIND", kind)
        (tmp_path / f"{modules[name]}.py").write_text(text)
    code = """
import numpy as np
from engine.core import resources
from engine.instrument.instrument import HOP, Instrument, find_patch
from engine.runtime.card import load_card
model = load_card(resources.model_folder("light")).info("")
for settings in ((), (("/walk/jitter", "0.3"),)):
    instrument = Instrument(find_patch("first-light"), model, settings=settings)
    instrument.hear({"main": np.zeros(HOP, np.float32)}, 0.0)
kinds = {at: leaf.param.kind for at, leaf in instrument.tree.leaves().items()}
print(kinds["/freeze"], kinds["/macro/1"], kinds["/walk/jitter"], kinds["/good/one"], "/badly" in kinds)
print(instrument.tree.leaf("/record").param.action.__module__)
"""
    done = python(code, tmp_path)
    assert done.stdout.splitlines() == ["bool float float action False", "engine.control.actions.record"], done.stderr
    for name in ("a-freeze", "a-record", "bad-kind"):
        assert f"action {name} of acts 1.0: expected " in done.stderr
    for address in ("/macro/1", "/walk/jitter"):
        assert f"got {address}, which a parameter takes; left the action out" in done.stderr
    listed = python("from engine.cli import cli; cli(['parts', 'action'])", tmp_path)
    assert listed.returncode == 0
    assert "action good  (acts 1.0)" in listed.stdout
    assert "expected action bad-kind to be declared well; got " in listed.stderr
    assert "Traceback" not in listed.stderr
