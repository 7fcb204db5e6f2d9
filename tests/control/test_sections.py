import pytest
from song import HOP_S, frame

from engine.control.patch import SectionSpec
from engine.control.sections import Section
from engine.control.tree import ParamTree
from engine.core.params import Param, Parametric
from engine.core.tick_context import TickContext
from engine.core.types import Event

PACE = 0.5  # bars a second: 120 beats a minute


class Lamp(Parametric):
    light = Param(0.2, doc="Brightness.")


def levels(section: Section, seconds: float, events: dict[float, str] | None = None, start_s: float = 0.0) -> list[float]:
    out = []
    for tick in range(round(start_s / HOP_S), round((start_s + seconds) / HOP_S)):
        found = tuple(Event(kind, at, 1.0) for at, kind in (events or {}).items() if round(at / HOP_S) == tick)
        section.step(TickContext(frame(tick, events=found), tick, tick * HOP_S, HOP_S, pace=PACE))
        out.append(section.level)
    return out


def made(on=("drop",), off=("break",), bars=0.0, fade_s=0.0) -> Section:
    return Section(SectionSpec("test", on, off, bars, fade_s, {}, {}))


def test_it_begins_and_ends_on_its_events():
    out = levels(made(), 6.0, {2.0: "drop", 4.0: "break"})
    assert [out[round(t / HOP_S)] for t in (1.9, 2.05, 3.9, 4.05)] == [0.0, 1.0, 1.0, 0.0]


def test_it_lasts_as_many_bars_as_it_should_and_a_second_start_prolongs_it():
    out = levels(made(bars=2.0), 12.0, {1.0: "drop"})
    assert sum(out) * HOP_S == pytest.approx(4.0, abs=2 * HOP_S)
    out = levels(made(bars=2.0), 12.0, {1.0: "drop", 4.0: "drop"})
    assert sum(out) * HOP_S == pytest.approx(7.0, abs=2 * HOP_S)


def test_it_fades():
    out = levels(made(bars=2.0, fade_s=1.0), 8.0, {1.0: "drop"})
    assert out[round(1.5 / HOP_S)] == pytest.approx(0.5, abs=0.02)
    assert out[round(5.5 / HOP_S)] == pytest.approx(0.5, abs=0.02)
    assert (out[round(3.0 / HOP_S)], out[-1]) == (1.0, 0.0)


def test_the_hand_holds_it_on_and_scales_it():
    tree, section = ParamTree(), made()
    tree.attach("lamp", Lamp().leaves)
    target = tree.target("/lamp/light")
    tree.route((target,))
    section.moves = [(target, 0.6)]
    section.leaves["fire"].set_base(True)
    assert levels(section, 1.0)[-1] == 1.0
    for amount in (1.0, 0.5, 0.0):
        section.leaves["amount"].set_base(amount)
        target.offset = 0.0
        section.add_offsets()
        tree.update(HOP_S)
        assert tree.values()["/lamp/light"] == pytest.approx(0.2 + 0.6 * amount)
