"""What a feed tells."""

import shutil
import socket
import subprocess
import threading
import time

import pytest
from feeding import COLOURS, FEATURES, STILL, Ear, play, tick, until

from engine.core.types import Event, Tick
from engine.features.analysis.analyser import Analysis
from engine.remote.osc.feed import MOST_VALUES, Feed
from engine.remote.osc.message_template import LARGEST
from engine.remote.osc.subscriptions import Subscriptions


def test_a_subscriber_hears_everything_but_values_as_flat_floats(make):
    ear = make(Ear)
    feed = make(Feed, Subscriptions(), colours=lambda: COLOURS, status=lambda: {"frames": 7.0, "patch": "ember"})
    feed.subscribe((), ear.address, time.monotonic())
    feed.follow(tick(250, params={"/walk/speed": 0.5}))
    assert ear.heard("/feature/loudness")[-1] == [0.25]
    assert len(ear.heard("/feature/chroma")[-1]) == 12
    assert len(ear.heard("/feature/bands")[-1]) == 8
    assert ear.heard("/beat/bpm")[-1] == [120.0]
    assert ear.heard("/beat/source")[-1] == ["hands"]
    assert 0.0 <= ear.heard("/beat/phase")[-1][0] < 1.0
    assert [ear.heard(f"/colour/{number}")[-1] for number in range(1, 6)] == [pytest.approx(color) for color in COLOURS]
    assert ear.heard("/status/frames")[-1] == [7.0]
    assert ear.heard("/status/patch")[-1] == ["ember"]
    names = {name for _, name, _ in ear.messages}
    assert {f"/feature/{name}" for name in FEATURES.values} <= names
    assert "/feature/mel" not in names
    assert not any(name.startswith("/value") for name in names)
    assert max(len(packet) for packet in ear.packets) <= LARGEST
    assert feed.counts()["osc_subscribers"] == 1


def test_only_the_groups_asked_for_are_told_and_wanted(make):
    ear = make(Ear)
    feed = make(Feed, Subscriptions(), colours=lambda: COLOURS)
    assert not feed.wants("colours")
    feed.subscribe(("colours", "beat"), ear.address, time.monotonic())
    play(feed, 0.2, events=[Event("kick", 0.0, 0.5)])
    ear.heard("/colour/5")
    assert {name.split("/")[1] for _, name, _ in ear.messages} == {"colour", "beat"}
    assert feed.wants("colours")
    assert not feed.wants("values")
    feed.unsubscribe((), ear.address, time.monotonic())
    until(lambda: not feed.wants("colours"))
    time.sleep(0.2)  # what was on its way
    count = len(ear.packets)
    play(feed, 0.2)
    assert len(ear.packets) == count


def test_values_are_told_when_they_change_and_all_of_many_in_their_turn(make):
    ear = make(Ear)
    feed = make(Feed, Subscriptions())
    params = {f"/many/{number}": float(number) for number in range(3 * MOST_VALUES)}
    params |= {"/freeze": True, "/patch/load": "ember", "/latent/z": (0.5, 0.5), "/count": 3}
    feed.subscribe(("values", 20.0), ear.address, time.monotonic())
    feed.follow(tick(params=params))
    ear.heard("/value/count")
    assert ear.heard("/value/freeze") == [[1.0]]
    names = [name for _, name, _ in ear.messages]
    assert len(names) == len(set(names)) == 3 * MOST_VALUES + 2
    assert len(ear.packets) >= 4
    feed.follow(tick(params={**params, "/count": 4}))
    ear.heard("/value/count", 2)
    assert len(ear.messages) == 3 * MOST_VALUES + 3
    feed.subscribe(("values", 20.0), ear.address, time.monotonic())  # renewed: a packet may have been lost
    ear.heard("/value/count", 3)
    assert ear.heard("/value/freeze") == [[1.0]] * 2
    for number in range(40):  # the first ones never rest; the last ones come all the same
        moving = dict.fromkeys(list(params)[: 2 * MOST_VALUES], number + 0.5)
        feed.follow(tick(params={**params, **moving, "/count": 100 + number}))
        time.sleep(0.02)
    assert len({args[0] for args in ear.heard("/value/count")}) > 2


def test_figures_that_cannot_be_had_leave_the_rest_as_it_is(make):
    ear, asked = make(Ear), []

    def status():
        asked.append(1)
        raise RuntimeError("a figure is missing")

    feed = make(Feed, Subscriptions([ear.address]), status=status)
    play(feed, 1.3)
    assert len(ear.heard("/feature/flux")) > 5
    assert 1 <= len(asked) <= 3
    assert feed.faults == len(asked)
    assert "/status" not in {name[:7] for _, name, _ in ear.messages}


def test_features_of_another_sound_are_told_from_its_first_tick(make):
    ear = make(Ear)
    feed = make(Feed, Subscriptions([ear.address]))
    feed.follow(tick())
    ear.heard("/feature/flux")
    features = Analysis(inputs=("main", "kick")).step({}, 0.0)
    feed.follow(Tick(1, 0.0, time.monotonic(), features, {}, STILL))
    assert ear.heard("/feature/kick/onset")
    assert len(ear.heard("/feature/kick/bands")[0]) == 8
    assert max(len(packet) for packet in ear.packets) <= LARGEST


def test_liblo_understands_what_is_sent(make):
    if shutil.which("oscdump") is None:
        pytest.skip("expected oscdump; install it with: apt-get install liblo-tools")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = []
    with subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True) as dump:
        reader = threading.Thread(target=lambda: lines.extend(iter(dump.stdout.readline, "")))
        reader.start()
        feed = make(Feed, Subscriptions([("127.0.0.1", port)]), colours=lambda: COLOURS, status=lambda: {"patch": "ember"})
        expected = ("/feature/loudness f 0.25", "/colour/5 fff 0.8", '/status/patch s "ember"', "/event/kick f 0.5")
        end = time.monotonic() + 20.0
        try:
            while not all(any(item in line for line in lines) for item in expected):
                assert time.monotonic() < end, "".join(lines)[-2000:]
                feed.follow(tick(250, events=[Event("kick", 0.0, 0.5)]))
                time.sleep(0.05)
        finally:
            dump.terminate()
            reader.join()
