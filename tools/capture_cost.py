"""Compares ways to take sound from PortAudio: `python -m tools.capture_cost` (runs a PulseAudio server of its own).

For each way, while the machine is quiet and while another thread keeps the GIL busy: hops taken, share of a core, and the time
between hops. Then the server is killed, and how long each way takes to notice is told.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable

import numpy as np

from engine.audio.portaudio import list_devices, portaudio
from engine.bench.pulseaudio_server import PulseServer

RATE_HZ, HOP = 48000, 256
WAYS = ("callback", "blocking", "polling")


class Capture(threading.Thread):
    """Takes hops in one of `WAYS` until `stop` or the stream's end, and notes when each came."""

    def __init__(self, way: str) -> None:
        super().__init__(daemon=True)
        self.way, self.times_s, self.overflows = way, list[float](), 0
        self.stop, self.over = threading.Event(), threading.Event()
        taking = {"callback": self.take} if way == "callback" else {}
        self.stream = portaudio().InputStream(
            RATE_HZ, HOP, "pulse", 2, "float32", "low", finished_callback=self.over.set, **taking
        )

    def take(self, block: np.ndarray, frames: int, when: object, status: object) -> None:
        """One hop has come."""
        self.times_s.append(time.monotonic())
        self.overflows += bool(status)

    def run(self) -> None:
        """Take hops."""
        try:
            with self.stream as stream:
                while not self.stop.is_set():
                    if self.way == "callback":
                        if self.over.wait(0.01):
                            break
                        continue
                    while self.way == "polling" and stream.read_available < HOP and not self.stop.is_set():
                        time.sleep(HOP / RATE_HZ / 4)
                    self.take(*stream.read(HOP)[:1], HOP, None, None)
        except portaudio().PortAudioError:
            self.over.set()
        self.over.set()


def measure(way: str, busy: bool, seconds: float) -> str:
    """One row of the table."""
    done = threading.Event()
    if busy:
        threading.Thread(target=spin, args=(done.is_set,), daemon=True).start()
    capture = Capture(way)
    capture.start()
    time.sleep(2.5)  # a server's first blocks come late and in heaps
    first, cpu_s = len(capture.times_s), time.process_time()
    time.sleep(seconds)
    cpu_s = time.process_time() - cpu_s
    times_s = capture.times_s[first:]
    capture.stop.set()
    capture.join(2.0)
    done.set()
    gaps_ms = 1000 * np.diff(times_s)
    core = "    -" if busy else f"{100 * cpu_s / seconds:4.1f}%"  # with a spinning thread the process always takes a core
    p50, p99 = np.percentile(gaps_ms, (50, 99))
    hops = f"{len(times_s)} of {round(seconds * RATE_HZ / HOP)} hops"
    load = "busy " if busy else "quiet"
    return f"{way:9} {load} {hops}  core {core}  gap p50 {p50:5.2f} p99 {p99:5.2f} max {gaps_ms.max():6.2f} ms"


def notice(way: str, server: PulseServer) -> str:
    """How long a capture takes to see that its server was killed; the server runs again afterwards."""
    capture = Capture(way)
    capture.start()
    time.sleep(3.0)
    server.stop()
    killed_s = time.monotonic()
    noticed = capture.over.wait(5.0)
    waited_s = time.monotonic() - killed_s
    capture.stop.set()
    server.start()
    return f"{way:9} server killed: {f'notices after {waited_s:.2f} s' if noticed else 'has not noticed after 5 s'}"


def spin(done: Callable[[], bool]) -> None:
    """Keep the GIL busy."""
    while not done():
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds: float = parser.parse_args().seconds
    with PulseServer() as server:
        list_devices(fresh=True)
        for busy in (False, True):
            for way in WAYS:
                print(measure(way, busy, seconds), flush=True)
        for way in WAYS:
            print(notice(way, server), flush=True)
    os._exit(0)  # a blocking read of a dead server never returns
