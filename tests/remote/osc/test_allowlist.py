"""Who is let in."""

import pytest
from osc_messages import message
from playing import Show

from engine.remote.osc.allowlist import AllowList
from engine.remote.osc.receiver import Receiver


def test_a_stranger_is_heard_only_after_the_operator_lets_it_in(show: Show, receiver: Receiver, said: list[str]) -> None:
    stranger = ("192.0.2.7", 9001)  # an address that nobody has
    for now_s in (10.0, 10.25, 10.5):
        assert receiver.receive(message("/walk/jitter"), stranger, now_s) == []
        assert receiver.receive(message("/walk/jitter", 0.25), stranger, now_s) == []
    show.settle()
    assert show.changes == []
    assert receiver.counts["not_allowed"] == 6
    assert len(said) == 1
    seen = receiver.allowed.stranger
    assert seen is not None
    assert seen == ("192.0.2.7", 6, 10.0, 10.5)
    receiver.allowed.allow(seen.host)
    assert receiver.allowed.stranger is None
    receiver.receive(message("/walk/jitter", 0.25), stranger, 11.0)
    show.settle()
    assert show["/walk/jitter"] == 0.25
    assert receiver.receive(message("/walk/jitter"), stranger, 11.0)
    assert receiver.receive(message("/walk/jitter"), ("192.0.2.8", 9001), 11.0) == []


def test_hosts_that_are_named_and_this_machine_are_let_in() -> None:
    allowed = AllowList(["192.0.2.7", "localhost", "2001:db8::1"])
    hosts = ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1")
    assert all(allowed.admits(host, 1.0) for host in hosts)
    assert not any(allowed.admits(host, 1.0) for host in ("192.0.2.8", "2001:db8::2", "fe80::1%eth0", "::ffff:192.0.2.9"))
    with pytest.raises(ValueError, match=r"expected a host that can be found; got 'no such host'"):
        AllowList(["no such host"])


def test_strangers_are_remembered_in_bounds_and_the_one_shown_stays_the_one_shown() -> None:
    allowed = AllowList()
    for number in range(1000):
        assert not allowed.admits(f"192.0.2.{number % 250}", 1.0)
    assert len(allowed.strangers) == 32
    allowed = AllowList()
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"):
        allowed.admits(host, 1.0)
    assert allowed.stranger is not None
    assert allowed.stranger.host == "192.0.2.2"  # though the other one goes on sending: a key pressed must mean who is shown
