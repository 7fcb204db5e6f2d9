"""Ticks for a feed to tell of, and ears that hear it."""

import socket
import threading
import time

import numpy as np
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from engine.core.types import FeatureFrame, LatentState, Music, Tick
from engine.features.analysis.analyser import Analysis

PERIOD_S = 256 / 48000
ZERO = np.zeros(1, np.float32)
STILL = LatentState(ZERO, ZERO, 1.0, ZERO)
FEATURES = Analysis().step({}, 0.0)
COLOURS = tuple((0.2 * number, 0.1, 1.0) for number in range(5))


def tick(number=0, *, params=None, events=(), beats=0.0, bpm=120.0, t_heard=None):
    """A tick with the features of silence, but for its number as the loudness."""
    heard = time.monotonic() if t_heard is None else t_heard
    values = {**FEATURES.values, "loudness": number / 1000}
    features = FeatureFrame(number, 0.0, heard, values, FEATURES.vectors, tuple(events))
    return Tick(number, 0.0, heard, features, params or {}, STILL, (), Music(bpm, beats, "hands", 0.0))


class Ear:
    """A real socket that notes when which message came: (seconds, address, arguments)."""

    def __init__(self, family=socket.AF_INET, host="127.0.0.1"):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(0.05)
        self.address = self.socket.getsockname()
        self.messages, self.packets, self._open = [], [], True
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while self._open:
            try:
                packet, _ = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            now = time.monotonic()
            self.packets.append(packet)
            if packet.startswith(b"#bundle"):
                bundle = OscBundle(packet)
                assert packet[8:16] == b"\0" * 7 + b"\1"  # at once
                found = list(bundle)
            else:
                found = [OscMessage(packet)]
            self.messages += [(now, message.address, message.params) for message in found]

    def heard(self, address, count=1, within_s=5.0):
        """The arguments of at least `count` messages to the address; waits for them."""
        end = time.monotonic() + within_s
        while len(found := [args for _, name, args in tuple(self.messages) if name == address]) < count:
            assert time.monotonic() < end, f"{address} came {len(found)} times; of {sorted({m[1] for m in self.messages})}"
            time.sleep(0.005)
        return found

    def times(self, address):
        return [when for when, name, _ in tuple(self.messages) if name == address]

    def close(self):
        self._open = False
        self._thread.join()
        self.socket.close()


def until(condition, within_s=5.0):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def play(feed, seconds, **given):
    """Ticks as the analysis makes them, for a while; `beats_a_second` counts beats from 0."""
    started, number = time.monotonic(), 0
    pace = given.pop("beats_a_second", 0.0)
    while (now := time.monotonic()) - started < seconds:
        number += 1
        feed.follow(tick(number, beats=pace * (now - started), bpm=60.0 * pace or 120.0, t_heard=now, **given))
        time.sleep(PERIOD_S)
    return started
