import socket

import pytest

from engine.remote.osc.subscriptions import LIFE_S, MOST, USUAL, SubscriptionError, Subscriptions, target

DESK = ("192.168.1.7", 50000)


def told(subscriptions, now_s):
    return [(one.address[1], one.groups, one.rate_hz) for one in subscriptions.current(now_s)]


def test_who_asks_for_nothing_is_told_all_but_values_at_thirty_a_second():
    subscriptions = Subscriptions()
    subscriptions.subscribe((), DESK, 100.0)
    assert told(subscriptions, 100.0) == [(50000, USUAL, 30.0)]
    assert sorted(USUAL) == ["beat", "colours", "features", "status"]


def test_it_ends_ten_seconds_after_the_last_renewal():
    subscriptions = Subscriptions()
    subscriptions.subscribe((), DESK, 100.0)
    assert told(subscriptions, 109.99)
    subscriptions.subscribe((), DESK, 109.99)
    assert told(subscriptions, 119.98)
    assert told(subscriptions, 109.99 + LIFE_S) == []


def test_groups_rate_and_port_are_said_in_any_order_and_replace_what_was_asked_before():
    subscriptions = Subscriptions()
    subscriptions.subscribe(("beat", 9001, "values", 5.0), DESK, 0.0)
    assert told(subscriptions, 0.0) == [(9001, {"beat", "values"}, 5.0)]
    subscriptions.subscribe((120.0, "colours", 9001), DESK, 1.0)
    assert told(subscriptions, 1.0) == [(9001, {"colours"}, 120.0)]


def test_hosts_that_know_only_floats_or_only_ints_are_understood():
    subscriptions = Subscriptions()
    subscriptions.subscribe((9001.0, "beat"), DESK, 0.0)  # Pure Data
    subscriptions.subscribe((9002, 60, "beat"), DESK, 0.0)  # Max
    assert told(subscriptions, 0.0) == [(9001, {"beat"}, 30.0), (9002, {"beat"}, 60.0)]


def test_one_who_asks_is_the_only_host_that_can_be_told():
    subscriptions = Subscriptions()
    subscriptions.subscribe((9001,), DESK, 0.0)
    subscriptions.subscribe((9001,), ("fe80::1", 50000, 0, 3), 0.0)
    assert [one.address for one in subscriptions.current(0.0)] == [("192.168.1.7", 9001), ("fe80::1", 9001, 0, 3)]
    with pytest.raises(SubscriptionError, match=r"10\.0\.0\.9"):
        subscriptions.subscribe(("10.0.0.9", 9001), DESK, 0.0)


@pytest.mark.parametrize(
    "arguments",
    [
        *(("drums",), (0,), (-9001,), (0.5,), (65536,), (9001.5,), (9001, 9002), (30.0, 60.0), (True,), (None,), (b"beat",)),
        *((float("nan"),), (float("inf"),), (10**30,), (["beat"],), ("beat\0",)),
    ],
)
def test_what_is_no_subscription_is_refused_and_changes_nothing(arguments):
    subscriptions = Subscriptions()
    subscriptions.subscribe(("beat",), DESK, 0.0)
    with pytest.raises(ValueError, match=r"^expected .*; got "):
        subscriptions.subscribe(arguments, DESK, 5.0)
    assert told(subscriptions, 9.0) == [(50000, {"beat"}, 30.0)]
    assert told(subscriptions, 10.0) == []


def test_there_is_room_for_thirty_two_until_some_expire():
    subscriptions = Subscriptions()
    for number in range(MOST):
        subscriptions.subscribe((), ("10.0.0.1", 2000 + number), float(number) / MOST)
    with pytest.raises(SubscriptionError, match="at most 32"):
        subscriptions.subscribe((), DESK, 5.0)
    subscriptions.subscribe(("beat",), ("10.0.0.1", 2031), 5.0)  # a renewal needs no room
    assert len(subscriptions.current(5.0)) == MOST
    subscriptions.subscribe((), DESK, 10.0)
    assert len(subscriptions.current(10.0)) == MOST
    assert DESK in [one.address for one in subscriptions.current(10.0)]


def test_one_who_unsubscribes_is_told_no_more_wherever_it_was_told():
    subscriptions = Subscriptions()
    other, neighbour = (DESK[0], 50001), ("10.0.0.1", 50000)
    for arguments, sender in (((9001,), DESK), ((9002,), DESK), ((), DESK), ((9003,), other), ((), neighbour)):
        subscriptions.subscribe(arguments, sender, 0.0)
    subscriptions.unsubscribe((), DESK, 1.0)
    assert [one.address for one in subscriptions.current(1.0)] == [(DESK[0], 9003), ("10.0.0.1", 50000)]
    subscriptions.unsubscribe((9003,), (DESK[0], 50002), 1.0)  # another socket of that host
    assert [one.address for one in subscriptions.current(1.0)] == [("10.0.0.1", 50000)]
    subscriptions.unsubscribe((50000,), DESK, 1.0)  # another host's cannot be ended
    assert len(subscriptions.current(1.0)) == 1
    with pytest.raises(SubscriptionError):
        subscriptions.unsubscribe(("beat",), DESK, 1.0)


def test_those_of_the_command_line_stay_until_the_end():
    subscriptions = Subscriptions([("127.0.0.1", 9001)])
    assert told(subscriptions, 1e9) == [(9001, USUAL, 30.0)]
    subscriptions.unsubscribe((9001,), ("127.0.0.1", 50000), 1e9)
    assert told(subscriptions, 1e9) == [(9001, USUAL, 30.0)]
    subscriptions.subscribe(("values", 9001), ("127.0.0.1", 50000), 1e9)  # asked for more, it is not told twice
    assert told(subscriptions, 1e9) == [(9001, {"values"}, 30.0)]
    assert told(subscriptions, 1e9 + LIFE_S) == [(9001, USUAL, 30.0)]


def test_nothing_is_made_while_nothing_changes():
    subscriptions = Subscriptions()
    subscriptions.subscribe((), DESK, 0.0)
    assert subscriptions.current(1.0) is subscriptions.current(2.0)


def test_targets_are_looked_up_at_the_start():
    assert target("127.0.0.1:9001") == ("127.0.0.1", 9001)
    assert target("localhost:9001") == ("127.0.0.1", 9001)
    try:
        assert target("[::1]:9001")[:2] == ("::1", 9001)
    except ValueError as error:
        assert "::1" in str(error)  # noqa: PT017
        pytest.skip("no IPv6 here")


@pytest.mark.parametrize("text", ["", "9001", ":9001", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536"])
@pytest.mark.parametrize("after", ["", " "])
def test_a_target_that_is_none_is_named(text, after):
    with pytest.raises(ValueError, match=r"expected HOST:PORT, as 127\.0\.0\.1:9001 or \[::1\]:9001; got "):
        target(text + after)


@pytest.mark.parametrize("text", ["::1:9001", "127.0.0.1:x", "127.0.0.1:+9", "127.0.0.1:٩", "[::1:9001", "a:b:9001"])
def test_a_target_written_wrongly_is_named(text):
    with pytest.raises(ValueError, match=r"expected HOST:PORT"):
        target(text)


def test_a_host_that_cannot_be_found_is_named(monkeypatch):
    def look_up(*given, **named):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(ValueError, match=r"expected a host that can be found; got 'lamps\.invalid': .*Name or service"):
        target("lamps.invalid:9001")
