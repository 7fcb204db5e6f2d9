import ast
import enum
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from engine_to_play import Engine, until
from pythonosc.udp_client import SimpleUDPClient

from engine.control.patch import MACROS
from tools.host_patches import controls

SCRIPT = Path(__file__).resolve().parent.parent.parent / "patches" / "touchdesigner" / "clavilux_touchdesigner.py"


class ParMode(enum.Enum):
    CONSTANT, EXPRESSION = 0, 1


class Par:
    """A parameter that remembers what was set."""

    def __init__(self, name: str = "", value: Any = None) -> None:
        self.name, self.val, self.expr, self.mode = name, value, "", ParMode.CONSTANT

    def eval(self) -> Any:
        return self.val


class Pars:
    """The parameters of an operator, made as they are named."""

    def __getattr__(self, name: str) -> Par:
        par = self.__dict__[name] = Par(name)
        return par

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__.setdefault(name, Par(name)).val = value


class Operator:
    """What the script needs of an operator: enough to record what it builds, and to send for real what it sends."""

    def __init__(self, kind: str, name: str, client: SimpleUDPClient | None = None, where: "Operator | None" = None) -> None:
        self.kind, self.name, self.text, self.where = kind, name, "", where
        self.par, self.inside, self.pages, self.held, self._client = Pars(), {}, {}, {}, client
        self.inputConnectors = [SimpleNamespace(connect=lambda source: self.held.update(input=source))]

    def create(self, kind: str, name: str) -> "Operator":
        assert name not in self.inside
        self.inside[name] = Operator(kind, name, self._client, self)
        return self.inside[name]

    def op(self, name: str) -> "Operator | None":
        return self.inside.get(name)

    def appendCustomPage(self, name: str) -> "_Page":
        self.pages[name] = []
        return _Page(self, self.pages[name])

    def store(self, key: str, value: Any) -> None:
        self.held[key] = value

    def fetch(self, key: str, default: Any) -> Any:
        return self.held.get(key, default)

    def destroy(self) -> None:
        assert self.where is not None
        del self.where.inside[self.name]

    def sendOSC(self, address: str, values: list[Any]) -> None:
        assert self.kind == "oscoutDAT"
        assert isinstance(values, list)
        assert self._client is not None
        self._client.send_message(address, values)


class _Page:
    def __init__(self, owner: Operator, names: list[str]) -> None:
        self._owner, self._names = owner, names

    def __getattr__(self, method: str) -> Any:
        assert method in ("appendFloat", "appendInt", "appendStr", "appendStrMenu", "appendToggle", "appendPulse")

        def append(name: str, label: str) -> list[Par]:
            assert re.fullmatch(r"[A-Z][a-z0-9]*", name)  # all that TouchDesigner takes
            self._names.append(name)
            return [getattr(self._owner.par, name)]

        return append


@pytest.fixture(scope="module")
def script() -> ModuleType:
    module = ModuleType("clavilux_touchdesigner")  # not imported: no bytecode among the patches
    exec(compile(SCRIPT.read_text(), SCRIPT.name, "exec"), vars(module))
    return module


@pytest.fixture
def base(script: ModuleType, engine: Engine) -> Operator:
    """The component as built, its OSC Out DAT connected to the engine."""
    client = SimpleUDPClient("127.0.0.1", engine.port)
    where = Operator("baseCOMP", "project1", client)
    built = script.build(where, SCRIPT.read_text())
    assert isinstance(built, Operator)
    return built


def test_it_is_python_3_11_and_only_builds_where_touchdesigner_runs_it() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 11))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    made = Operator("baseCOMP", "project1")
    for name, expected in (("text1", {"clavilux"}), ("runtime", set())):
        made.inside.clear()
        dat = SimpleNamespace(name=name, text=SCRIPT.read_text(), parent=lambda: made)
        exec(compile(tree, SCRIPT.name, "exec"), {"me": dat, "__name__": "__main__"})
        assert set(made.inside) == expected


def test_every_address_is_the_engines(script: ModuleType, addresses: set[str]) -> None:
    sent = set((script.FADERS | script.SWITCHES | script.PULSES | script.BPM | script.PATCH).values())
    assert sent <= addresses
    assert {fader.address for fader in controls.FADERS} <= sent
    assert script.MACROS == MACROS
    assert controls.patches() == script.PATCHES, "another patch is on the shelf: name it in PATCHES"


def test_hands_in_touchdesigner_move_the_engine(script: ModuleType, base: Operator, engine: Engine) -> None:
    expected: dict[str, Any] = {}
    for place, (name, address) in enumerate((script.FADERS).items()):
        script.changed(base, name, 0.1 + 0.05 * place)
        expected[address] = pytest.approx(0.1 + 0.05 * place)
    for name, value, address, came in (
        ("Freeze", True, "/freeze", True),
        ("Bpm", 128.0, "/tempo/bpm", 128.0),
        ("Patch", "tidal", "/patch/load", "tidal"),
    ):
        script.changed(base, name, value)
        expected[address] = came
    for name, address in script.PULSES.items():
        script.pulsed(base, name)
        expected[address] = 1
    until(lambda: expected.keys() <= engine.came.keys(), f"all of {sorted(expected)} in {engine.came}")
    assert {address: engine.came[address] for address in expected} == expected
    assert engine.refused == []


def test_it_subscribes_while_it_follows(script: ModuleType, base: Operator, engine: Engine) -> None:
    def told() -> float:
        return engine.feed.counts()["osc_subscribers"]

    base.par.Follow = True
    base.par.Feedport, base.par.Statusport = 40_002, 40_003
    for now_s in (100.0, 100.1, 104.9):
        script.renew(base, now_s)
    until(lambda: told() == 2, "two subscribers")
    assert base.held["asked"] == 100.0
    script.renew(base, 105.0)
    assert base.held["asked"] == 105.0
    script.changed(base, "Feedport", 40_002)
    script.renew(base, 105.1)
    assert base.held["asked"] == 105.1
    base.par.Follow = False
    script.changed(base, "Follow", False)
    until(lambda: told() == 0, "nobody told any more")
    script.renew(base, 200.0)
    assert base.held["asked"] == 105.1
    assert engine.refused == []


def test_figures_are_shown(script: ModuleType, base: Operator) -> None:
    script.told(base, "/status/fps", [59.94])
    script.told(base, "/status/patch", ["tidal"])
    script.told(base, "/beat", [3.0])
    assert base.inside["status"].par.text.val == "fps  59.94\npatch  tidal"


def test_the_network_is_whole(script: ModuleType, base: Operator) -> None:
    inside = base.inside
    assert {operator.kind for operator in inside.values()} == {
        *("textDAT", "oscoutDAT", "oscinDAT", "oscinCHOP", "outCHOP", "textTOP", "executeDAT", "parameterexecuteDAT")
    }
    assert inside["runtime"].text == SCRIPT.read_text()
    assert inside["features"].held["input"] is inside["osc_in"]
    known = {name for names in base.pages.values() for name in names}
    followed = [par for operator in inside.values() for par in vars(operator.par).values() if par.expr]
    assert len(followed) == 4
    for par in followed:
        assert par.mode is ParMode.EXPRESSION
        assert par.expr.removeprefix("parent().par.") in known
    assert {*script.FADERS, *script.SWITCHES, *script.PULSES, *script.BPM, *script.PATCH} <= known
    for name in ("hands", "clock", "on_figures"):
        called = re.findall(r"module\.(\w+)\(", inside[name].text)
        assert called
        assert all(callable(getattr(script, function)) for function in called)
        ast.parse(inside[name].text, feature_version=(3, 11))
    assert inside["figures"].par.callbacks.val in inside


def test_a_second_run_replaces_the_first(script: ModuleType) -> None:
    where = Operator("baseCOMP", "project1")
    first, second = (script.build(where, SCRIPT.read_text()) for _ in range(2))
    assert where.inside == {"clavilux": second}
    assert second is not first
