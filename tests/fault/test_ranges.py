"""Row 16: every parameter of a show, asked for values below, at and above its range, and for what is no value."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from engine.control.action import ActionParam
from engine.core.params import Leaf, ParamError
from engine.core.types import Tick
from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.show.perform import open_model

NOT_NUMBERS = (math.nan, math.inf, -math.inf, "1", b"\x00\x01", None, [1.0], {"a": 1}, object())
NOT_TEXT = (0.5, math.nan, True, None, b"text", ["text"])  # a whole number may be a place on a shelf


@pytest.fixture(scope="module")
def instrument() -> Instrument:
    return Instrument(find_patch("first-light"), open_model("light", "auto").info, ("main", "kick"))


def hear(instrument: Instrument) -> Tick:
    return instrument.hear({name: np.zeros(HOP, np.float32) for name in ("main", "kick")}, 0.0)


def numeric(instrument: Instrument) -> Iterator[tuple[str, Leaf]]:
    for address, leaf in instrument.tree.leaves().items():
        if leaf.param.kind in ("float", "int"):
            yield address, leaf


def takes_numbers(param: ActionParam) -> bool:
    return not param.arguments or param.arguments[0][1].kind != "text"


def test_what_is_no_value_is_refused_and_the_old_one_kept(instrument: Instrument) -> None:
    kinds = set()
    for address, leaf in instrument.tree.leaves().items():
        before = leaf.base
        kinds.add(leaf.param.kind)
        texts = leaf.param.kind in ("text", "choice") or (isinstance(leaf.param, ActionParam) and not takes_numbers(leaf.param))
        for bad in NOT_TEXT if texts else NOT_NUMBERS:
            if leaf.param.kind == "vector" and bad == [1.0]:
                continue
            with pytest.raises(ParamError, match="expected"):
                instrument.tree.post(address, bad)
        with pytest.raises(ParamError, match="expected"):
            instrument.tree.post_normalised(address, math.nan)
        assert leaf.base == before
    assert kinds >= {"float", "int", "bool", "choice", "vector", "trigger", "action"}


@pytest.mark.parametrize("far", [1e-9, 1.0, 1e9, 1e300])
def test_values_beyond_a_range_are_clipped_to_it(instrument: Instrument, far: float) -> None:
    for address, leaf in numeric(instrument):
        low, high = leaf.param.low, leaf.param.high
        for raw, base in ((low - far, low), (low, low), (high, high), (high + far, high)):
            instrument.tree.set_base(address, raw)
            assert leaf.base == base, f"{address} {raw}"
            assert low <= leaf.value <= high, address  # type: ignore[operator]
    tick = hear(instrument)
    for address, leaf in numeric(instrument):
        assert leaf.param.low <= tick.params[address] <= leaf.param.high, address  # type: ignore[operator]


def test_slews_hold_whatever_is_asked_for() -> None:
    """No slewed parameter moves faster than its whole range in `slew_s`, thrown from far below to far above."""
    instrument = Instrument(find_patch("first-light"), open_model("light", "auto").info, ("main", "kick"))
    for route in instrument.player.patch.routes:  # the ear may move it faster: only the hand is slewed
        instrument.tree.post(f"/route/{route.name}/mute", True)
    instrument.tree.post("/audio/amount", 0.0)
    slewed = {address: leaf for address, leaf in numeric(instrument) if leaf.param.slew_s > 0.0}
    assert {"/master/level", "/macro/1"} <= slewed.keys()
    throws = {address: (leaf.param.low - 1e9, leaf.param.high + 1e9) for address, leaf in slewed.items()}
    for end in (0, 1, 0):
        for address, raw in throws.items():
            instrument.tree.post(address, raw[end])
        at = {address: leaf.param.unmap(leaf.value) for address, leaf in slewed.items()}
        for _ in range(round(1.1 * max(leaf.param.slew_s for leaf in slewed.values()) * RATE_HZ / HOP)):
            params = hear(instrument).params
            for address, leaf in slewed.items():
                now = leaf.param.unmap(params[address])
                step = HOP / RATE_HZ / leaf.param.slew_s
                grain = 1.0 / (leaf.param.high - leaf.param.low) if leaf.param.kind == "int" else 0.0
                assert abs(now - at[address]) <= step + grain + 1e-9, address
                at[address] = now
        for address, leaf in slewed.items():
            assert at[address] == pytest.approx(leaf.param.unmap((leaf.param.low, leaf.param.high)[end]), abs=1e-9), address
