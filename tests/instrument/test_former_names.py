"""What was renamed answers under its old names wherever a name may come from, and is listed nowhere under them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg
from song import HOP, INFO

from engine.commands.shared import split_flags
from engine.control.patch import load_patch
from engine.control.tree import ParamTree
from engine.core import resources
from engine.core.params import Leaf, Param, Parametric
from engine.core.registry import PACKAGES, lookup, names
from engine.core.types import Value
from engine.instrument.instrument import Instrument
from engine.remote.osc.receiver import Receiver

MODEL = replace(INFO, name="viewed", extra_inputs={"view": (4,)})
WITH = """
[controller.held]
kind = "quantise"
from = "loudness"
[controller.wheel]
kind = "lfo"
"""
RESERVED = {"enabled", "listen", "sync"}  # Chataigne gives every container switches of these names
HERE = ("127.0.0.1", 50000)
QUIET = {"main": np.zeros(HOP, np.float32)}


def written(tmp_path: Path, more: str = "", name: str = "old") -> Path:
    """A patch with a part of each kind that was renamed, and `more`; what it says of MIDI and sections goes."""
    file = tmp_path / f"{name}.toml"
    file.write_text(resources.find("patches", "first-light.toml").read_text() + WITH + more)
    return file


@pytest.fixture(scope="module")
def instrument(tmp_path_factory: pytest.TempPathFactory) -> Instrument:
    made = Instrument(load_patch(written(tmp_path_factory.mktemp("patches"))), MODEL)
    made.hear(QUIET, 0.0)
    return made


def other(leaf: Leaf) -> Value:
    """Another value than the leaf has."""
    param = leaf.param
    if param.kind == "choice":
        return next(choice for choice in param.choices if choice != leaf.base)
    return not leaf.base if param.kind == "bool" else param.map(0.25 if param.unmap(leaf.base) != 0.25 else 0.75)


def toml(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def tell(receiver: Receiver, address: str, *arguments: object) -> list[tuple[str, list[object]]]:
    answers = receiver.receive(bytes(build_msg(address, list(arguments)).dgram), HERE, time.monotonic())
    return [(item.address, item.params) for item in map(OscMessage, answers)]


def test_no_parameter_is_called_what_hosts_of_oscquery_keep_for_themselves(instrument: Instrument):
    parts = [lookup(kind, name) for kind in PACKAGES for name in names(kind)]
    declared = {param.name for part in parts if issubclass(part, Parametric) for param in part.params()}
    assert not RESERVED & declared
    assert not RESERVED & {address.rpartition("/")[2] for address in instrument.tree}


def test_every_old_name_leads_to_a_leaf_and_is_listed_nowhere(instrument: Instrument):
    tree, receiver = instrument.tree, Receiver(instrument.tree)
    assert {"/limiter/enabled", "/network/camera/x", "/wheel/sync"} <= tree.former().keys()
    listed = {name for _, names in tell(receiver, "/list") for name in names if isinstance(name, str)}
    found = {address for pattern in ("/limiter/*", "/network/*/*") for address, _ in tell(receiver, pattern)}
    for old, new in tree.former().items():
        assert tree.leaf(old) is tree.leaf(new)
        assert old in tree
        assert new in listed
        for told in (listed, found, set(tree), tree.leaves().keys(), tree.values().keys(), instrument.state().keys()):
            assert old not in told


def test_osc_takes_and_answers_each_of_them(instrument: Instrument):
    receiver, tree = Receiver(instrument.tree), instrument.tree
    for old, new in tree.former().items():
        leaf = tree.leaf(new)
        value = other(leaf)
        for _ in range(3):  # the third is recognised by its bytes
            tell(receiver, old, value)
        (change,), _ = tree.apply(tree.take())
        assert (change.address, leaf.base) == (new, pytest.approx(value) if leaf.param.kind == "float" else value)
        ((address, found),) = tell(receiver, old)
        assert address == old
        assert found == [pytest.approx(leaf.base) if leaf.param.kind == "float" else leaf.base]
        ((address, _),) = tell(receiver, f"/value{old}")
        assert address == f"/value{old}"
        if leaf.param.numeric:
            tell(receiver, f"/n{old}", 1.0)
            tell(receiver, f"/n{old}", 1.0)
            tree.apply(tree.take())
            assert leaf.base == leaf.param.map(1.0)
            assert tell(receiver, f"/n{old}") == [(f"/n{old}", [1.0])]
        leaf.reset()
        tree.set_base(new, leaf.param.default)
    assert not sum(receiver.counts.values())


def test_patches_take_each_of_them_as_keys_targets_goals_and_controls(instrument: Instrument, tmp_path: Path):
    for number, (old, new) in enumerate(instrument.tree.former().items()):
        leaf, value = instrument.tree.leaf(new), other(instrument.tree.leaf(new))
        said = f'\n[midi]\n"note/1" = {{ to = "{old}", value = {toml(value)} }}\n'
        if leaf.param.numeric:
            said += f'[route.old]\nfrom = "nothing"\nto = "{old}"\n'
            said += f'[section.old]\non = "drop"\n[section.old.set]\n"{old}" = {toml(value)}\n'
        table, key = old.removeprefix("/").rsplit("/", 1)
        if table == "wheel":
            said = f"{key} = {toml(value)}\n{said}"  # WITH ends with its table
        elif table.startswith("network/"):
            said += f"[{table.replace('/', '.')}]\n{key} = {toml(value)}\n"
        made = Instrument(load_patch(written(tmp_path, said, f"patch{number}")), MODEL)
        if table == "wheel" or table.startswith("network/"):
            assert made.tree.leaf(new).base == value
        elif leaf.param.numeric:  # the section takes it there
            made.tree.set_base("/section/old/fire", True)
            made.hear(QUIET, 0.0)
            assert made.tree.leaf(new).value == value


def test_flags_and_the_journals_of_earlier_shows_take_each_of_them(instrument: Instrument, tmp_path: Path):
    patch = load_patch(written(tmp_path))
    for old, new in instrument.tree.former().items():
        value = other(instrument.tree.leaf(new))
        text = "on" if value is True else "off" if value is False else str(value)
        _, given = split_flags(["--" + old.strip("/").replace("/", "."), text])
        made = Instrument(patch, MODEL, settings=given)
        assert made.tree.leaf(new).base == value
        made.choose(load_patch(written(tmp_path)))  # flags stay in force whatever is chosen
        made.hear(QUIET, 0.0)
        assert made.tree.leaf(new).base == value
        back = Instrument(patch, MODEL)
        assert back.restore({old: value}) == []
        assert back.tree.leaf(new).base == value


def test_what_has_an_address_now_keeps_it():
    class Renamed(Parametric):
        new = Param(0.5, doc="", formerly=("old",))

    class Other(Parametric):
        old = Param(0.25, doc="")

    tree, renamed, taken = ParamTree(), Renamed(), Other()
    tree.attach("part", renamed.leaves)
    assert tree.leaf("/part/old") is renamed.leaves["new"]
    tree.attach("part", taken.leaves)
    assert tree.leaf("/part/old") is taken.leaves["old"]
    tree.detach("part/old")
    assert tree.leaf("/part/old") is renamed.leaves["new"]
    tree.detach("part/new")
    with pytest.raises(LookupError, match="expected the address of a parameter"):
        tree.leaf("/part/old")
