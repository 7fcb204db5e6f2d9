import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest
from song import HOP, HOP_S, INFO

from engine.control.patch import PatchError
from engine.core.params import ParamError
from engine.core.types import Directions, Tick
from engine.instrument.instrument import HOPS_BETWEEN, Instrument, find_patch

QUIET = {"main": np.zeros(HOP, np.float32)}
SMALL = replace(INFO, name="dusk", class_names=INFO.class_names[:-1])


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
    assert first == (instrument.player.patch.path, "light", instrument.state())
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


@contextmanager
def at_every_call(look: Callable[[], None]) -> Iterator[None]:
    """Look after each single call that this thread makes: what another thread could see at any moment."""

    def called(frame: object, event: str, argument: object) -> None:
        sys.setprofile(None)
        look()
        sys.setprofile(called)

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_no_other_thread_ever_sees_a_model_change_half_done():
    stand = Stand()
    instrument, tree = stand.instrument, stand.instrument.tree
    stand.hear()
    before = set(tree)
    staying, looks = before - {f"/classes/{name}" for name in INFO.class_names[-1:]}, []

    def look() -> None:
        assert instrument.player.patch.name == "first-light"
        assert instrument.player.playing.name == "first-light"
        assert staying <= tree.leaves().keys() <= before
        looks.append(len(looks) / 1e6)
        for address in ("/macro/1", "/latent/truncation", "/classes/sea", "/walk/amount"):
            tree.post(address, looks[-1])

    for model in (SMALL, INFO):
        with at_every_call(look):
            instrument.change_model(model)
        assert set(tree) == (staying if model is SMALL else before)
        tick = stand.hear()
        assert tick.latent.y.shape == (len(model.class_names),)
        for address in ("/macro/1", "/latent/truncation", "/classes/sea", "/walk/amount"):
            assert tree.leaf(address).base == looks[-1]
    assert len(looks) > 1000


def test_a_model_change_keeps_what_hands_set_and_the_newest_of_it():
    stand = Stand()
    tree = stand.instrument.tree
    set_before = {"/macro/1": 0.9, "/classes/lava": 0.7, "/walk/speed": 0.2, "/shader/warp/swirl": 0.6, "/seed": 77}
    for address, value in set_before.items():
        tree.post(address, value)
    tree.post("/classes/painted", 0.4)  # a class that the other model has not
    stand.hear()
    tree.post("/macro/1", 0.3)
    stand.instrument.change_model(SMALL)
    tick = stand.hear()
    assert {address: tree.leaf(address).base for address in set_before} == {**set_before, "/macro/1": 0.3}
    assert [change.address for change in tick.changes] == ["/macro/1"]
    stand.instrument.change_model(INFO)
    stand.hear(200)
    assert {address: tree.leaf(address).value for address in ("/macro/1", "/seed")} == {"/macro/1": 0.3, "/seed": 77}
    assert tree.leaf("/classes/painted").base == 0.0


def test_a_model_that_the_patch_does_not_suit_leaves_all_as_it_was():
    stand = Stand()
    stand.instrument.tree.post("/macro/1", 0.9)
    stand.hear()
    before = stand.instrument.state()
    with pytest.raises(PatchError, match="expected a class of the model"):
        stand.instrument.change_model(replace(INFO, name="stones", class_names=("granite", "marble"), patch="voyage"))
    tick = stand.hear()
    assert stand.instrument.state() == before
    assert tick.latent.y.shape == (len(INFO.class_names),)


def test_a_patch_chosen_just_before_a_model_change_is_played_on_the_new_model():
    stand = Stand()
    stand.hear()
    stand.instrument.choose(find_patch("tidal"))
    stand.instrument.change_model(SMALL)
    tick = stand.hear()
    assert stand.instrument.player.playing.name == stand.instrument.player.patch.name == "tidal"
    assert tick.latent.y.shape == (len(SMALL.class_names),)
    fresh = Instrument(find_patch("tidal"), SMALL)
    assert set(stand.instrument.tree) == set(fresh.tree)


def test_a_patch_chosen_while_the_model_changes_is_wired_to_the_model_that_plays():
    stand, tidal, running = Stand(), find_patch("tidal"), Event()
    stand.hear()

    def choose() -> None:
        while not running.is_set():
            stand.instrument.choose(tidal)

    chooser = Thread(target=choose)
    chooser.start()
    try:
        for number in range(6):
            model = INFO if number % 2 else SMALL
            stand.instrument.change_model(model)
            assert stand.hear().latent.y.shape == (len(model.class_names),)
    finally:
        running.set()
        chooser.join()


def test_another_input_never_takes_the_hand_from_a_parameter_of_the_analysis():
    stand = Stand()
    instrument, tree = stand.instrument, stand.instrument.tree
    address = next(name for name in tree if name.startswith("/analysis/") and tree.leaf(name).param.kind == "float")
    tree.post_normalised(address, 0.25)
    stand.hear()
    kept, newest = tree.leaf(address).base, tree.position_to_value(address, 0.75)
    with at_every_call(lambda: tree.post(address, newest)):
        instrument.listen_to(("main",))
    assert tree.leaf(address).base == kept
    stand.hear()
    assert tree.leaf(address).base == newest


def test_publishing_costs_little():
    stand, took = Stand(), []
    stand.hear()
    for _ in range(200):
        started = time.perf_counter()
        stand.instrument.state()
        took.append(time.perf_counter() - started)
    print(f"{1e6 * float(np.median(took)):.0f} us twice a second, {len(stand.instrument.state())} bases")
    assert float(np.median(took)) < 1500e-6  # ten times the goal


def test_a_model_brings_its_live_inputs_and_takes_them_along():
    stand = Stand("wildcard")
    assert not [address for address in stand.instrument.tree if address.startswith("/network/")]
    assert stand.hear().latent.extra_inputs == {}
    styled = replace(
        INFO, name="styled", extra_inputs={"bend": (4, 6), "nudge": (2,)}, directions=Directions("w", ("Sun",), np.eye(2)[:1])
    )
    stand.instrument.change_model(styled)
    stand.instrument.tree.post("/network/direction/sun", 2.0)
    stand.instrument.tree.post("/network/bend/angle", 0.25)
    extra = stand.hear(200).latent.extra_inputs
    assert extra["nudge"].tolist() == [2.0, 0.0]
    assert extra["bend"].any()
    stand.instrument.change_model(INFO)
    assert stand.hear().latent.extra_inputs == {}
    assert not [address for address in stand.instrument.tree if address.startswith("/network/")]


def test_w_of_another_width_is_taken_from_the_first_tick_of_its_model():
    stand = Stand("wildcard")
    tree = stand.instrument.tree
    for size in (2, 3, 2):
        stand.instrument.change_model(replace(INFO, name=f"w{size}", extra_inputs={"w": (4 * size + 1,), "nudge": (size,)}))
        tree.post("/network/w/amount", 1.0)
        tree.post("/network/w/value", (0.5,) * size)
        with pytest.raises(ParamError, match=f"of {size} or {4 * size} numbers; got 1"):
            tree.post("/network/w/value", (0.5,))
        assert stand.hear(100).latent.extra_inputs["w"].tolist() == pytest.approx([0.5] * 4 * size + [1.0], abs=0.01)


def test_one_patch_plays_models_of_any_classes():
    stand = Stand("wildcard")
    for count in (1, 5, 13, 1000):
        names = tuple(f"thing {number}" for number in range(count))
        stand.instrument.change_model(replace(INFO, name=f"of-{count}", class_names=names))
        y = stand.hear(400).latent.y
        assert y.shape == (count,)
        assert y.sum() == pytest.approx(1.0, abs=1e-4)
        shown = [address for address in stand.instrument.tree if address.startswith("/classes/")]
        assert sum(stand.instrument.tree.leaf(address).base == 1.0 for address in shown) == min(count, 12)


def test_a_model_that_the_patch_does_not_suit_is_played_by_the_patch_of_its_card():
    stand = Stand()
    stand.instrument.tree.post("/macro/1", 0.9)
    stand.hear()
    stones = replace(INFO, name="stones", class_names=("granite", "marble"), patch="wildcard")
    stand.instrument.change_model(stones)
    tick = stand.hear()
    assert tick.latent.y.shape == (2,)
    assert stand.instrument.player.playing.name == "wildcard"
    assert (stand.instrument.tree.leaf("/patch/load").base, stand.instrument.tree.leaf("/macro/1").base) == ("wildcard", 0.9)


def test_nothing_changes_where_the_patch_of_the_card_does_not_suit_either():
    stand = Stand()
    stand.hear()
    with pytest.raises(PatchError, match="expected a class of the model"):
        stand.instrument.change_model(replace(INFO, name="wood", class_names=("oak",), patch="tidal"))
    assert stand.hear().latent.y.shape == (len(INFO.class_names),)
    assert stand.instrument.player.playing.name == "first-light"
