"""The generator process: waits for a latent, draws it, publishes the frame, and shows that it lives.

It opens neither sockets nor windows. It is woken by a byte on standard input and ends when that is closed. It ignores
Ctrl-C, which is its parent's to decide upon, and dies with its parent. Started by `engine.runtime.incarnation` as
`python -m engine.runtime.child` with one argument, JSON.
"""

import ctypes
import json
import os
import signal
import statistics
import sys
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np

from engine.registry import lookup
from engine.runtime.card import load_card
from engine.runtime.link import BEAT_S, PULSE, frame_dtype, latent_dtype, latent_state
from engine.slots import SharedSlot
from engine.types import Generator, LatentState

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


class Pulse:
    """What the parent sees of this process. Its own thread publishes it, so that a long step is not taken for a death."""

    def __init__(self, slot: SharedSlot) -> None:
        self._slot, self._publishing = slot, threading.Lock()
        self.warm = self.failed = False
        self.taken = self.drawn = self.frames = 0
        self.message = ""
        self.times_ms: deque[float] = deque(maxlen=64)
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def say(self, message: str) -> None:
        """Tell the parent something, at once."""
        self.message = message
        self.publish()

    def publish(self) -> None:
        with self._publishing:
            self._slot.put(
                {
                    "warm": self.warm,
                    "failed": self.failed,
                    "taken": self.taken,
                    "drawn": self.drawn,
                    "frames": self.frames,
                    "ms_p50": statistics.median(tuple(self.times_ms) or (0.0,)),
                    "message": self.message.encode()[:1024],
                }
            )

    def _beat(self) -> None:
        while True:
            self.publish()
            time.sleep(BEAT_S)


def main() -> None:
    """Run until standard input closes."""
    given = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_NAME, b"clavilux-draw", 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != given["parent"]:
            return
    pulse = Pulse(SharedSlot.attach(given["pulse"], PULSE))
    try:
        card = load_card(Path(given["model"]), verify=False)  # the parent verified it
        latents = SharedSlot.attach(given["latents"], latent_dtype(card))
        frames = SharedSlot.attach(given["frames"], frame_dtype(card))
        generator: Generator = lookup("runtime", given["runtime"])(card, given["threads"], pulse.say)
        _play(generator, latents, frames, pulse)
        generator.close()
    except Exception as error:
        pulse.failed = True
        pulse.say(f"{type(error).__name__}: {error}")
        raise


def _play(generator: Generator, latents: SharedSlot, frames: SharedSlot, pulse: Pulse) -> None:
    info = generator.info
    out = np.empty((*info.resolution[::-1], 4), np.uint8)
    noise = np.zeros(int(np.prod(info.noise_shape)), np.float32)
    classes = np.full(len(info.class_names), 1 / len(info.class_names), np.float32)
    for level in (0.0, 1e-6, 0.0, 0.0):  # a breath of all live inputs too: their first use in the show allocates nothing
        live = {name: np.full(shape, level, np.float32) for name, shape in info.live.items()}
        began = time.perf_counter()
        generator.step(LatentState(np.zeros(info.z_size, np.float32), classes, 1.0, noise, live), out)
    pulse.times_ms.append((time.perf_counter() - began) * 1e3)  # of the last one: the first ones allocate
    pulse.warm = True
    pulse.say("")
    seen = 0
    while os.read(sys.stdin.fileno(), 4096):
        found = latents.newer(seen)
        if found is None:
            continue
        seen, latent = found
        began = time.perf_counter()
        pulse.taken = int(latent["number"])
        generator.step(latent_state(latent), out)
        made = {"number": latent["number"], "tick": latent["tick"], "t_heard": latent["t_heard"]}
        frames.put({**made, "t_made": time.monotonic(), "rgba": out})
        pulse.times_ms.append((time.perf_counter() - began) * 1e3)
        pulse.frames += 1
        pulse.drawn = pulse.taken


if __name__ == "__main__":
    main()
