"""The bare end of the audio loopback: says when a kick is heard, and does nothing else. `python -m engine.bench.kick_listener`.

Each line printed is the CLOCK_MONOTONIC time at which a captured block with the beginning of a kick arrived.
"""

import threading
import time

import click
import numpy as np

from engine.bench.kick_player import BLOCK, RATE_HZ
from engine.core.types import FloatArray

LOUD = 0.1
REST_S = 0.5


@click.command()
@click.option("--device", default="pulse")
@click.option("--seconds", type=float, required=True)
def main(device: str, seconds: float) -> None:
    """Listen until the time is over."""
    import sounddevice

    heard = -REST_S

    def take(block: FloatArray, frames: int, when: object, status: object) -> None:
        nonlocal heard
        now = time.monotonic()
        if now - heard >= REST_S and float(np.abs(block).max()) > LOUD:
            heard = now
            print(f"{now:.6f}", flush=True)

    with sounddevice.InputStream(RATE_HZ, BLOCK, device, 1, "float32", "low", callback=take):
        threading.Event().wait(seconds)


if __name__ == "__main__":
    main()
