import importlib
import math
import pkgutil

import pytest

import engine
from engine.core.params import Leaf, Param, ParamError, Parametric, Trigger


class Swing(Parametric):
    depth = Param(0.5, low=0.0, high=2.0, doc="How far.")
    rate_hz = Param(1.0, low=0.1, high=10.0, curve="exp", unit="Hz", doc="How fast.")
    steps = Param(4, low=1, high=16, doc="How many.")
    on = Param(True, doc="Whether.")
    shape = Param("sine", choices=("sine", "saw"), doc="Which.")
    label = Param("", doc="Any text.")
    place = Param((0.0, 0.0), low=-1.0, high=1.0, doc="Where.")
    fire = Param(Trigger, doc="Now.")


class Lean(Swing):
    depth = Param(1.0, low=0.0, high=1.0, doc="A narrower one.")
    tilt = Param(0.0, low=-1.0, high=1.0, doc="Its own.")


def declared() -> list[Param]:
    """Every parameter of every class in the engine."""
    for module in pkgutil.walk_packages(engine.__path__, "engine."):
        if not module.name.startswith(("engine.generators.", "engine.runtime.")):  # theirs load network libraries
            importlib.import_module(module.name)
    found, classes = [], [Parametric]
    while classes:
        of = classes.pop()
        classes += of.__subclasses__()
        if of.__module__.startswith("engine."):
            found += [pytest.param(param, id=f"{of.__name__}.{param.name}") for param in of.params()]
    return found


@pytest.mark.parametrize("param", declared())
def test_every_parameter_holds_its_range(param: Param) -> None:
    assert param.doc.strip(), "a parameter without a description"
    if param.kind in ("float", "int"):
        low, high = param.low, param.high
        for raw, expected in ((low - 1, low), (low, low), (high, high), (high + 1, high), (param.default, param.default)):
            assert param.check(raw) == expected
        assert param.map(0.0) == low
        assert param.map(1.0) == pytest.approx(high)
        assert param.map(-1.0) == low
        assert param.map(param.unmap(param.default)) == pytest.approx(param.default)
    if param.kind in ("float", "int", "bool", "trigger"):
        for bad in (math.nan, math.inf, -math.inf, "1", None, (1.0,), b"1"):
            with pytest.raises(ParamError, match="expected"):
                param.check(bad)
    if param.kind == "vector":
        with pytest.raises(ParamError):
            param.check((0.0, math.nan))
    if param.kind == "choice":
        assert param.default in param.choices
        with pytest.raises(ParamError, match="expected choice"):
            param.check("no such choice")


def test_kind_follows_from_the_default() -> None:
    kinds = {param.name: param.kind for param in Swing.params()}
    assert kinds == {
        "depth": "float", "rate_hz": "float", "steps": "int", "on": "bool",
        "shape": "choice", "label": "text", "place": "vector", "fire": "trigger",
    }  # fmt: skip


def test_subclass_replaces_and_adds_in_order() -> None:
    assert [param.name for param in Lean.params()] == [param.name for param in Swing.params()] + ["tilt"]
    assert Lean().depth == 1.0
    assert Swing().depth == 0.5


def test_instances_do_not_share_values() -> None:
    one, other = Swing(), Swing()
    one.leaves["depth"].set_base(1.5)
    assert (one.depth, other.depth) == (1.5, 0.5)


def test_refused_value_keeps_the_old_one() -> None:
    leaf = Leaf(Swing.depth)
    leaf.set_base(1.25)
    with pytest.raises(ParamError):
        leaf.set_base(math.nan)
    assert (leaf.base, leaf.value) == (1.25, 1.25)
    leaf.reset()
    assert leaf.value == 0.5


def test_exponential_curve_has_its_middle_at_the_geometric_mean() -> None:
    assert Swing.rate_hz.map(0.5) == pytest.approx(1.0)
    assert Swing.rate_hz.unmap(1.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("depth", "0.6", 0.6),
        ("depth", "1e3", 2.0),
        ("steps", "7", 7),
        ("on", "off", False),
        ("on", "True", True),
        ("on", "1", True),
        ("shape", "saw", "saw"),
        ("label", "0.6", "0.6"),
        ("place", "0.5, -3", (0.5, -1.0)),
        ("fire", "1", 1),
    ],
)
def test_text_of_a_command_line_becomes_a_value(name: str, text: str, value: object) -> None:
    read = getattr(Swing, name).parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text"), [("depth", "much"), ("depth", "nan"), ("depth", "1,2"), ("depth", ""), ("shape", "cube")]
)
def test_text_that_is_no_value_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ParamError, match=f"expected .* for {name}"):
        getattr(Swing, name).parse(text)


def test_impossible_declarations_are_refused() -> None:
    with pytest.raises(ParamError, match="low < high"):
        Param(0.5, low=1.0, high=1.0, doc="")
    with pytest.raises(ParamError, match="low < high"):
        Param(0.5, low=0.0, high=1.0, curve="exp", doc="")
