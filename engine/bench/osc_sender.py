"""Sends OSC from a process of its own, and says what and when: `python -m engine.bench.osc_sender`.

Every number printed is on a line of its own; times are CLOCK_MONOTONIC seconds.
"""

import socket
import time

import click
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.core.rng import Rng

BURST_S = 0.001  # a flood comes in bursts, as fast controllers and scripts send it
FADERS = tuple(f"/macro/{number}" for number in range(1, 9))
LAST = 0.4375  # what every fader is set to when the flood ends; exact in binary, and sent at no other time


def message(address: str, value: float) -> bytes:
    """One message with one float."""
    builder = OscMessageBuilder(address)
    builder.add_arg(value, "f")
    return bytes(builder.build().dgram)


@click.group()
def main() -> None:
    """Send to a port of this machine."""


@main.command()
@click.option("--port", type=int, required=True)
@click.option("--address", required=True)
@click.option("--values", nargs=2, type=float, required=True, help="Sent in turn.")
@click.option("--seconds", type=float, required=True)
@click.option("--shortest", type=float, default=0.9, help="Between messages; the gaps are drawn, so that no period hides.")
@click.option("--longest", type=float, default=1.5)
def steps(port: int, address: str, values: tuple[float, float], seconds: float, shortest: float, longest: float) -> None:
    """One message now and then; prints when each was sent."""
    rng, count = Rng(0, "steps"), 0
    ends_s = time.monotonic() + seconds - 0.5
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while True:
            count += 1
            time.sleep(shortest + (longest - shortest) * rng.unit(count))
            now = time.monotonic()
            if now > ends_s:
                return
            out.sendto(message(address, values[count % 2]), ("127.0.0.1", port))
            print(f"{now:.6f}", flush=True)


@main.command()
@click.option("--port", type=int, required=True)
@click.option("--rate", type=float, default=10_000.0, help="Messages a second.")
@click.option("--seconds", type=float, required=True)
def flood(port: int, rate: float, seconds: float) -> None:
    """As many messages as asked for, to eight faders, then the last value of each.

    Prints how many were sent, how long that took, and when the first of the last values left.
    """
    packets = [message(address, 0.5 + step / 2000) for step in range(1, 100) for address in FADERS]
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        started = time.monotonic()
        while (now := time.monotonic()) - started < seconds:
            while sent < (now - started) * rate:
                out.send(packets[sent % len(packets)])
                sent += 1
            time.sleep(BURST_S)
        last_s = time.monotonic()
        for address in FADERS:
            out.send(message(address, LAST))
            sent += 1
    print(f"{sent}\n{last_s - started:.3f}\n{last_s:.6f}")


if __name__ == "__main__":
    main()
