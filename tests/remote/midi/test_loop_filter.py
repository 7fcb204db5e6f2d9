import pytest

from engine.remote.midi.loop_filter import LONG_S, LoopFilter

A, B = b"\x90\x3c\x01", b"\x90\x3d\x01"
PULSE = b"\xf8"


def test_what_comes_into_our_port_alone_passes_after_a_moment_in_order():
    echo = LoopFilter()
    echo.own(A, 1.0)
    echo.own(B, 1.0)
    assert echo.ready(1.001) == []
    assert echo.ready(1.003) == [(A, 1.0), (B, 1.0)]
    assert echo.ready(1.1) == []


def test_what_came_by_another_port_too_is_dropped_whichever_came_first():
    echo = LoopFilter()
    echo.other(A, 1.0)
    echo.own(A, 1.001)
    echo.own(B, 1.001)
    assert echo.ready(1.0015) == []
    echo.other(B, 1.002)
    assert echo.ready(1.15) == []


def test_each_twin_is_counted_once():
    echo = LoopFilter()
    for t in (1.0, 1.001):
        echo.other(A, t)
    for t in (1.0, 1.001, 1.002):
        echo.own(A, t)
    assert echo.ready(1.2) == [(A, 1.002)]


def test_once_there_was_a_twin_late_ones_are_waited_for():
    echo = LoopFilter()
    echo.other(A, 1.0)
    echo.own(A, 1.0)
    assert echo.ready(1.0) == []
    echo.own(B, 1.1)
    assert echo.ready(1.1 + LONG_S / 2) == []
    echo.other(B, 1.1 + LONG_S / 2)
    assert echo.ready(1.3) == []


def test_and_no_longer_than_a_second():
    echo = LoopFilter()
    echo.other(A, 1.0)
    echo.own(A, 1.0)
    echo.ready(1.0)
    echo.own(B, 3.0)
    assert echo.ready(3.003) == [(B, 3.0)]


def test_the_same_a_while_later_is_no_twin():
    echo = LoopFilter()
    echo.other(A, 1.0)
    echo.own(A, 1.5)
    assert echo.ready(1.51) == [(A, 1.5)]


def test_a_clock_into_our_port_loses_no_pulse_to_the_clock_of_another():
    echo, passed = LoopFilter(), []
    of_others = [(index * 60.0 / 120.0 / 24, "other") for index in range(624)]
    of_ours = [(index * 60.0 / 140.0 / 24, "own") for index in range(728)]
    for t, way in sorted(of_others + of_ours):
        getattr(echo, way)(PULSE, t)
        passed += echo.ready(t)
    assert passed == [(PULSE, t) for t, _ in of_ours]
    assert not echo._others


@pytest.mark.parametrize("packet", [b"\xf2\x10\x00", b"\xfa", b"\xfb", b"\xfc"])
def test_what_starts_stops_and_places_a_clock_waits_for_nobody(packet):
    echo = LoopFilter()
    echo.other(A, 1.0)
    echo.own(A, 1.0)
    echo.ready(1.0)
    echo.other(packet, 1.1)
    echo.own(B, 1.1)
    echo.own(packet, 1.1)
    assert echo.ready(1.1) == [(packet, 1.1)]
    assert echo.ready(1.1 + LONG_S) == [(B, 1.1)]


def test_what_other_ports_bring_is_forgotten():
    echo = LoopFilter()
    for index in range(10_000):
        echo.other(index.to_bytes(3, "big"), index / 1000.0)
        echo.ready(index / 1000.0)
    assert len(echo._others) == len(echo._order) <= 201
