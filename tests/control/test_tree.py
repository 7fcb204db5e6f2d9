import itertools
import sys
import threading
import time

import pytest

from engine.control.tree import MOST_WAITING, ParamTree
from engine.core.params import Leaf, Param, ParamError, Parametric, Trigger
from engine.core.types import Change


class Desk(Parametric):
    level = Param(0.5, doc="A fader.")
    pace = Param(1.0, low=0.1, high=10.0, curve="exp", doc="A rate.")
    slow = Param(0.0, slew_s=2.0, doc="A fader that takes two seconds.")
    count = Param(4, low=1, high=9, doc="A number of things.")
    lit = Param(False, doc="A switch.")
    mode = Param("a", choices=("a", "b"), doc="A choice.")
    place = Param((0.1, 0.2), doc="A point.")
    hit = Param(Trigger, doc="A button.")
    step = Param(0.0, low=-1.0, doc="A wheel.", adds=True)


@pytest.fixture
def desk() -> ParamTree:
    tree = ParamTree()
    tree.attach("desk", Desk().leaves)
    return tree


def tick(tree: ParamTree, dt_s: float = 0.1) -> tuple[Change, ...]:
    changes = tree.apply(tree.take())[0]
    tree.update(dt_s)
    return changes


def test_a_posted_value_is_in_force_from_the_next_tick(desk):
    desk.post("/desk/level", 0.8)
    assert desk.values()["/desk/level"] == 0.5
    assert [change[:2] for change in tick(desk)] == [("/desk/level", 0.8)]
    assert desk.values()["/desk/level"] == desk.leaf("/desk/level").base == 0.8


def test_the_latest_of_a_flood_wins_and_changes_come_in_order(desk):
    for step in range(1000):
        desk.post("/desk/level", step / 1000)
    desk.post("/desk/count", 7)
    assert [change[:2] for change in tick(desk)] == [("/desk/level", 0.999), ("/desk/count", 7)]
    assert tick(desk) == ()


def test_a_change_says_when_the_hand_moved_now_unless_the_caller_knows_better(desk):
    before = time.monotonic()
    desk.post("/desk/level", 0.8)
    desk.post("/desk/count", 7, before - 0.02)
    desk.post_normalised("/desk/slow", 0.25, t_posted=before - 0.01)
    now, earlier, normalised = desk.apply(desk.take())[0]
    assert before <= now.t_posted <= time.monotonic()
    assert (earlier.t_posted, normalised) == (before - 0.02, Change("/desk/slow", 0.25, before - 0.01))


def test_every_press_and_every_step_between_two_ticks_counts_in_order_and_a_flood_is_bounded(desk):
    for step in (0.5, -0.2, 0.5):
        desk.post("/desk/step", step, step)
        desk.post("/desk/hit", 1, step)
    desk.post("/desk/hit", 0)
    desk.post("/desk/level", 0.7)
    changes = tick(desk)
    assert [change.value for change in changes if change.address == "/desk/step"] == [0.5, -0.2, 0.5]
    assert [change.t_posted for change in changes if change.address == "/desk/hit"] == [0.5, -0.2, 0.5]
    assert [change[:2] for change in changes[-2:]] == [("/desk/hit", 1), ("/desk/level", 0.7)]
    assert desk.values()["/desk/hit"] == 1
    for _ in range(1000):
        desk.post("/desk/hit", 1)
    desk.post("/desk/level", 0.8)
    assert len(tick(desk)) <= MOST_WAITING + 2
    assert desk.values()["/desk/level"] == 0.8
    assert desk.values()["/desk/hit"] == 1
    assert tick(desk) == ()
    assert desk.values()["/desk/hit"] == 0


def test_posts_from_many_threads_are_all_applied():
    tree = ParamTree()
    tree.attach("", {str(n): Leaf(Param(0.0, low=0, high=1e6, doc="")) for n in range(8)})
    running, seen = threading.Event(), dict[str, float]()

    def flood(address: str) -> None:
        for value in range(5001):
            tree.post(address, value)

    threads = [threading.Thread(target=flood, args=(f"/{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    while not running.is_set():
        if not any(thread.is_alive() for thread in threads):
            running.set()
        for address, value, _ in tree.apply(tree.take())[0]:
            assert value >= seen.get(address, 0.0), "an older value came after a newer one"
            seen[address] = value
    assert seen == {f"/{n}": 5000.0 for n in range(8)}


def test_bad_posts_raise_and_change_nothing(desk):
    with pytest.raises(LookupError, match=r"expected the address of a parameter, as /desk/level.*got '/desk/levle'"):
        desk.post("/desk/levle", 1)
    for address, raw in [
        ("/desk/level", "loud"),
        ("/desk/level", float("nan")),
        ("/desk/mode", "c"),
        ("/desk/place", 3),
        ("/desk/lit", None),
    ]:
        with pytest.raises(ParamError, match="expected"):
            desk.post(address, raw)
    with pytest.raises(ParamError, match="finite position"):
        desk.post_normalised("/desk/level", float("nan"))
    with pytest.raises(ParamError, match="numeric"):
        desk.post_normalised("/desk/mode", 0.5)
    assert tick(desk) == ()


def test_normalised_posts_follow_the_curve(desk):
    for address, position, value in [
        ("/desk/pace", 0.5, 1.0),
        ("/desk/count", 0.5, 5),
        ("/desk/lit", 0.9, True),
        ("/desk/level", 2.0, 1.0),
    ]:
        desk.post_normalised(address, position)
        tick(desk)
        assert desk.values()[address] == pytest.approx(value)


def test_a_trigger_is_seen_by_exactly_one_tick_and_its_release_does_not_undo_it(desk):
    desk.post("/desk/hit", 1)
    desk.post("/desk/hit", 0)
    seen = []
    for _ in range(3):
        tick(desk)
        seen.append(desk.values()["/desk/hit"])
    assert seen == [1, 0, 0]


def test_a_slewed_parameter_takes_its_time(desk):
    desk.post("/desk/slow", 1.0)
    steps = []
    for _ in range(25):
        tick(desk, 0.1)
        steps.append(desk.values()["/desk/slow"])
    assert steps[0] == pytest.approx(0.05)
    assert steps[9] == pytest.approx(0.5)
    assert steps[-1] == 1.0
    assert max(b - a for a, b in itertools.pairwise(steps)) <= 0.05 + 1e-9


def test_offsets_add_to_the_base_and_a_query_answers_with_the_base(desk):
    level, pace = desk.target("/desk/level"), desk.target("/desk/pace")
    desk.route((level, pace))
    level.offset, pace.offset = 0.25, 0.5
    tick(desk)
    assert desk.values()["/desk/level"] == pytest.approx(0.75)
    assert desk.values()["/desk/pace"] == pytest.approx(10.0)
    assert desk.leaf("/desk/level").base == 0.5
    desk.post("/desk/level", 0.1)  # the hand, while the ear goes on
    tick(desk)
    assert desk.values()["/desk/level"] == pytest.approx(0.35)
    level.offset = 5.0
    tick(desk)
    assert desk.values()["/desk/level"] == 1.0
    desk.route(())
    tick(desk)
    assert (desk.values()["/desk/level"], desk.values()["/desk/pace"]) == (0.1, 1.0)


def test_whole_numbers_and_switches_can_be_routed_but_text_cannot(desk):
    count, lit = desk.target("/desk/count"), desk.target("/desk/lit")
    desk.route((count, lit))
    count.offset = lit.offset = 0.6
    tick(desk)
    assert (desk.values()["/desk/count"], desk.values()["/desk/lit"]) == (9, True)
    for address in ("/desk/mode", "/desk/place", "/desk/hit"):
        with pytest.raises(ParamError, match="numeric"):
            desk.target(address)


def test_a_glide_arrives_when_it_should(desk):
    desk.set_base("/desk/level", 1.0, glide_s=1.0)
    assert desk.leaf("/desk/level").base == 1.0
    tick(desk, 0.5)
    assert desk.values()["/desk/level"] == pytest.approx(0.75)
    tick(desk, 0.5)
    assert desk.values()["/desk/level"] == 1.0


def test_snapshots_never_change_and_are_shared_while_nothing_moves(desk):
    before = desk.values()
    assert desk.values() is before
    desk.post("/desk/level", 0.9)
    tick(desk)
    assert before["/desk/level"] == 0.5


def test_detached_leaves_are_gone_and_their_posts_forgotten(desk):
    desk.post("/desk/level", 0.9)
    desk.detach("/desk")
    assert tick(desk) == ()
    assert len(desk) == 0
    assert not desk.values()
    desk.attach("/desk", Desk().leaves)
    with pytest.raises(ValueError, match="expected new addresses; got /desk/level, which is taken"):
        desk.attach("desk", Desk().leaves)


class Bench(Parametric):
    level = Param("low", choices=("low", "high"), doc="A choice where the desk has a fader.")
    count = Param(4, low=1, high=9, doc="A number of things.")
    tilt = Param(0.0, doc="What the desk does not have.")


def test_leaves_are_replaced_in_one_step_and_what_was_posted_stays_posted(desk):
    bench = {f"/desk/{name}": leaf for name, leaf in Bench().leaves.items()}
    seen: list[frozenset[str]] = []

    def look(frame: object, event: str, called: object) -> None:
        seen.append(frozenset(desk.leaves()))

    before, version = frozenset(desk), desk.version
    desk.post("/desk/count", 7)
    desk.post("/desk/level", 0.8)  # which the bench's own does not take
    desk.post("/desk/place", (0.3, 0.4))
    sys.setprofile(look)  # after each single call of the change, everything that another thread could see
    desk.replace(before, bench)
    sys.setprofile(None)
    assert set(seen) == {before, frozenset(bench)}
    assert seen == sorted(seen, key=lambda addresses: addresses != before)
    assert desk.version > version
    assert [change[:2] for change in tick(desk)] == [("/desk/count", 7)]
    assert desk.values() == {"/desk/level": "low", "/desk/count": 7, "/desk/tilt": 0.0}


def test_a_leaf_that_stays_is_not_replaced_by_another(desk):
    before = desk.leaves()
    with pytest.raises(ValueError, match="expected new addresses; got /desk/level, which is taken"):
        desk.replace(["/desk/count"], {f"/desk/{name}": leaf for name, leaf in Bench().leaves.items()})
    assert desk.leaves() == before
