import time
from dataclasses import replace

import numpy as np
import pytest
from song import HOP, HOP_S, INFO

from engine.instrument import HOPS_BETWEEN, Instrument, find_patch
from engine.types import Tick

QUIET = {"main": np.zeros(HOP, np.float32)}
SMALL = replace(INFO, name="dusk", class_names=INFO.class_names[:9])


class Stand:
    """An instrument that hears silence, hop by hop."""

    def __init__(self, patch: str = "first-light") -> None:
        self.instrument, self.hops = Instrument(find_patch(patch), INFO), 0

    def hear(self, hops: int = 1) -> Tick:
        for _ in range(hops):
            self.hops += 1
            tick = self.instrument.hear(QUIET, self.hops * HOP_S)
        return tick


def test_what_is_published_is_of_one_tick_and_twice_a_second():
    stand = Stand()
    instrument = stand.instrument
    assert instrument.published is None
    stand.hear()
    first = instrument.published
    assert first == (instrument.performer.patch.path, "light", instrument.state())
    instrument.tree.post("/macro/1", 0.9)
    stand.hear(HOPS_BETWEEN - 1)
    assert instrument.published is first
    stand.hear()
    assert instrument.published == (first[0], "light", instrument.state())
    assert (first[2]["/macro/1"], instrument.published[2]["/macro/1"]) == (0.5, 0.9)
    assert pytest.approx(0.5, abs=HOP_S) == HOPS_BETWEEN * HOP_S


def test_another_patch_or_model_is_published_with_the_first_tick_that_it_made():
    stand = Stand()
    stand.hear()
    tidal = find_patch("tidal")
    stand.instrument.choose(tidal)
    assert stand.instrument.published[0].stem == "first-light"
    stand.hear()
    assert stand.instrument.published == (tidal.path, "light", stand.instrument.state())
    stand.instrument.change_model(SMALL)
    stand.hear()
    assert stand.instrument.published == (tidal.path, "dusk", stand.instrument.state())
    assert "/classes/cosmos" in stand.instrument.published[2]
    assert "/classes/painted" not in stand.instrument.published[2]


def test_publishing_costs_little():
    stand, took = Stand(), []
    stand.hear()
    for _ in range(200):
        started = time.perf_counter()
        stand.instrument.state()
        took.append(time.perf_counter() - started)
    print(f"{1e6 * float(np.median(took)):.0f} us twice a second, {len(stand.instrument.state())} bases")
    assert float(np.median(took)) < 1500e-6  # ten times the goal
