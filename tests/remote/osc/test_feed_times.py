"""When a feed tells: at each one's rate, events and beats at their moment, and at little cost."""

import statistics
import time

import pytest
from feeding import COLOURS, Ear, play, tick, until

from engine.core.types import Event
from engine.remote.osc.feed import Feed
from engine.remote.osc.subscriptions import Subscriptions


def test_each_hears_at_its_own_rate(make):
    fast, slow = make(Ear), make(Ear)
    feed = make(Feed, Subscriptions())
    now = time.monotonic()
    feed.subscribe(("features", 60.0), fast.address, now)
    feed.subscribe(("features", 5.0), slow.address, now)
    play(feed, 1.5)
    elapsed = time.monotonic() - now
    assert 10 <= len(fast.heard("/feature/flux")) <= 60 * elapsed + 3
    assert 3 <= len(slow.heard("/feature/flux")) <= 5 * elapsed + 3
    loudness = [args[0] for args in fast.heard("/feature/loudness")]
    assert loudness == sorted(loudness)
    assert len(set(loudness)) > 0.3 * len(loudness)  # the newest tick each time


def test_events_do_not_wait_for_the_rate(make):
    ear = make(Ear)
    feed = make(Feed, Subscriptions())
    feed.subscribe(("features", 1.0), ear.address, time.monotonic())
    feed.follow(tick())
    ear.heard("/feature/flux")
    late_ms = []
    for number in range(20):
        sent = time.monotonic()
        feed.follow(tick(events=[Event("kick", 0.0, number / 20)]))
        ear.heard("/event/kick", number + 1)
        late_ms.append((ear.times("/event/kick")[-1] - sent) * 1e3)
        time.sleep(0.01)
    assert ear.heard("/event/kick") == [[pytest.approx(number / 20)] for number in range(20)]
    print(f"an event is with a subscriber after {statistics.median(late_ms):.2f} ms (largest {max(late_ms):.2f})")
    assert statistics.median(late_ms) < 50.0  # the goal is 5


def test_events_of_one_tick_and_of_named_inputs_come_in_order(make):
    ear = make(Ear)
    feed = make(Feed, Subscriptions())
    feed.subscribe(("features",), ear.address, time.monotonic())
    feed.follow(tick())
    ear.heard("/feature/flux")
    feed.follow(tick(events=[Event("onset", 0.0, 0.1), Event("kick/onset", 0.0, 0.2), Event("beat", 0.0, 1.0)]))
    ear.heard("/event/beat")
    events = [name for _, name, _ in ear.messages if name.startswith("/event")]
    assert events == ["/event/onset", "/event/kick/onset", "/event/beat"]


@pytest.mark.parametrize("offset_ms", [0.0, 60.0])
def test_each_beat_is_told_once_and_at_its_moment(make, offset_ms):
    ear = make(Ear)
    feed = make(Feed, Subscriptions(), offset_ms=lambda: offset_ms)
    feed.subscribe(("beat", 10.0), ear.address, time.monotonic())
    started = play(feed, 2.8, beats_a_second=5.0)
    numbers = [round(args[0]) for args in ear.heard("/beat", 10)]
    assert numbers == sorted(set(numbers))
    late_ms = [
        (when - (started + number / 5.0)) * 1e3 + offset_ms
        for when, number in zip(ear.times("/beat"), numbers, strict=True)
        if number > 5  # before, the beat is not known to be steady
    ]
    print(f"beats told {offset_ms:.0f} ms early are late by {statistics.median(late_ms):.2f} ms (largest {max(late_ms):.2f})")
    assert -20.0 < statistics.median(late_ms) < 50.0  # the goal is 5


def test_who_comes_in_the_middle_of_a_beat_is_told_the_next(make):
    first, second = make(Ear), make(Ear)
    feed = make(Feed, Subscriptions())
    feed.subscribe(("beat",), first.address, time.monotonic())
    feed.follow(tick(beats=0.9))
    first.heard("/beat/phase")
    feed.unsubscribe((), first.address, time.monotonic())
    until(lambda: not feed.wants("beat"))
    feed.follow(tick(beats=100.5))
    feed.subscribe(("beat", 50.0), second.address, time.monotonic())
    second.heard("/beat/phase", 3)
    assert second.times("/beat") == []
    feed.follow(tick(beats=101.0))
    assert second.heard("/beat") == [[101.0]]


def test_following_and_telling_cost_little(make):
    """Goals: follow 10 us, a push of features, beat and colours 300 us; here ten times that."""
    ear = make(Ear)
    feed = Feed(Subscriptions(), colours=lambda: COLOURS)  # not started: this thread tells
    pushes, ticks = [], [tick(number, beats=number * 0.01) for number in range(2000)]

    def follow_us():
        started = time.perf_counter()
        for one in ticks:
            feed.follow(one)
        return (time.perf_counter() - started) / len(ticks) * 1e6

    unfollowed = follow_us()
    now_s = time.monotonic()
    feed.subscribe(("features", "beat", "colours", 120.0), ear.address, now_s)
    feed._serve(now_s)
    followed = follow_us()
    for number in range(1, 800):
        feed.follow(tick(number))
        now_s += 0.01  # a push each time: its period has passed
        count, started = feed.sent, time.perf_counter()
        feed._serve(now_s)
        pushes.append((time.perf_counter() - started) * 1e6)
        assert feed.sent >= count + 1
    feed.close()
    print(f"follow {unfollowed:.2f} us, with a subscriber {followed:.2f} us; push {statistics.median(pushes):.0f} us")
    assert unfollowed < 100.0
    assert followed < 100.0
    assert statistics.median(pushes) < 3000.0
