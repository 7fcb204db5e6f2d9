"""The generator process: waits for a latent, draws it, publishes the frame, and shows that it lives.

It opens neither sockets nor windows. It is woken by a byte on standard input and ends when that is closed. It ignores
Ctrl-C, which is its parent's to decide upon, and dies with its parent. Started by `engine.runtime.worker.lifetime` as
`python -m engine.runtime.worker.worker` with one argument, JSON.
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

from engine.core.cuda import CudaError
from engine.core.registry import lookup
from engine.core.slots import SharedSlot
from engine.core.types import Generator, GpuGenerator, LatentState
from engine.runtime.card import load_card
from engine.runtime.worker.frame_ring import CLAIM, Cells, FrameRing
from engine.runtime.worker.protocol import BEAT_S, PLACE, WORKER_STATUS, frame_dtype, latent_dtype, latent_state

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


class StatusReporter:
    """What the parent sees of this process. Its own thread publishes it, so that a long step is not taken for a death."""

    def __init__(self, slot: SharedSlot) -> None:
        self._slot, self._publishing = slot, threading.Lock()
        self.warm = self.failed = False
        self.taken = self.drawn = self.frames = 0
        self.message = ""
        self.times_ms: deque[float] = deque(maxlen=64)
        threading.Thread(target=self._beat, name="status", daemon=True).start()

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
    reporter = StatusReporter(SharedSlot.attach(given["status"], WORKER_STATUS))
    try:
        card = load_card(Path(given["model"]), verify=False)  # the parent verified it
        latents = SharedSlot.attach(given["latents"], latent_dtype(card))
        frames = SharedSlot.attach(given["frames"], frame_dtype(card))
        generator: Generator = lookup("runtime", given["runtime"])(card, given["threads"], reporter.say)
        drawing = Drawing(generator, frames)
        if "ring" in given and isinstance(generator, GpuGenerator):
            drawing.keep_on_gpu(generator, given)
        _play(drawing, latents, reporter)
        generator.close()
    except Exception as error:
        reporter.failed = True
        reporter.say(f"{type(error).__name__}: {error}")
        raise


class Drawing:
    """Draws and publishes: into the host's memory or, where the show takes it from there, into that of the card."""

    def __init__(self, generator: Generator, frames: SharedSlot) -> None:
        self.generator, self._frames = generator, frames
        self._out = np.empty((*generator.info.resolution[::-1], 4), np.uint8)
        self._on_gpu: tuple[GpuGenerator, FrameRing, Cells, SharedSlot] | None = None
        self.note = ""  # for the performer, while it plays

    def keep_on_gpu(self, generator: GpuGenerator, given: dict[str, str]) -> None:
        """Open the show's ring; where that fails, pictures go through the host's memory."""
        try:
            ring = FrameRing.open(bytes.fromhex(given["ring"]), generator.info.resolution)
        except CudaError as error:
            self.note = f"pictures go through the host's memory: {error}"
            return
        cells = Cells(SharedSlot.attach(given["claims"], CLAIM))
        self._on_gpu = (generator, ring, cells, SharedSlot.attach(given["places"], PLACE))

    def warm(self, state: LatentState) -> None:
        """Draw and publish nothing."""
        self.generator.step(state, self._out)
        if self._on_gpu is not None:
            generator, ring, _, _ = self._on_gpu
            generator.draw_on_gpu(state, ring.pointer(0))

    def draw(self, state: LatentState, made: dict[str, object]) -> None:
        """Draw and publish the frame of a latent; `made` says which one."""
        if self._on_gpu is not None:
            generator, ring, cells, places = self._on_gpu
            cell = cells.next()
            if cell is not None:
                generator.draw_on_gpu(state, ring.pointer(cell))
                places.put({**made, "t_made": time.monotonic(), "cell": cell})
                cells.published(cell)
                return
        self.generator.step(state, self._out)
        self._frames.put({**made, "t_made": time.monotonic(), "rgba": self._out})


def _play(drawing: Drawing, latents: SharedSlot, reporter: StatusReporter) -> None:
    info = drawing.generator.info
    noise = np.zeros(int(np.prod(info.noise_shape)), np.float32)
    classes = np.full(len(info.class_names), 1 / len(info.class_names), np.float32)
    for level in (0.0, 1e-6, 0.0, 0.0):  # a breath of all live inputs too: their first use in the show allocates nothing
        extra_inputs = {name: np.full(shape, level, np.float32) for name, shape in info.extra_inputs.items()}
        began = time.perf_counter()
        drawing.warm(LatentState(np.zeros(info.z_size, np.float32), classes, 1.0, noise, extra_inputs))
    reporter.times_ms.append((time.perf_counter() - began) * 1e3)  # of the last one: the first ones allocate
    reporter.warm = True
    reporter.say(drawing.note)
    seen = 0
    while os.read(sys.stdin.fileno(), 4096):
        found = latents.newer(seen)
        if found is None:
            continue
        seen, latent = found
        began = time.perf_counter()
        reporter.taken = int(latent["number"])
        drawing.draw(latent_state(latent), {field: latent[field] for field in ("number", "tick", "t_heard")})
        reporter.times_ms.append((time.perf_counter() - began) * 1e3)
        reporter.frames += 1
        reporter.drawn = reporter.taken


if __name__ == "__main__":
    main()
