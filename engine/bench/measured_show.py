"""A whole show in this process, as `clavilux play --headless` has it, for measurements to look at from inside."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio import Source
from engine.core.types import ByteArray, FloatArray, Tick
from engine.instrument.instrument import Instrument, find_patch
from engine.runtime.worker.process import GeneratorProcess
from engine.show.analysis_thread import AnalysisThread
from engine.show.perform import SWITCH_S, open_model, open_sound
from engine.show.realtime import RealtimeShow
from engine.stage.gl_context import headless_context
from engine.stage.stage import Stage

DISPLAY_HZ = 30.0
CELL = 10  # pixels
HELD = ("/walk/speed", "/walk/amount", "/keyframes/rate", "/latent/noise_speed")  # set to their lowest: what moves on its own


@dataclass(frozen=True)
class Performance:
    """One show; `live.run(seconds)` performs, in the caller's thread."""

    instrument: Instrument
    analysis_thread: AnalysisThread
    show: RealtimeShow
    generator: GeneratorProcess
    source: Source

    def mute(self, addresses: Callable[[str], bool]) -> None:
        """Mute the routes to those addresses."""
        for route in self.instrument.player.patch.routes:
            if addresses(route.address):
                self.instrument.tree.post(f"/route/{route.name}/mute", True)

    def hold(self) -> None:
        """Hold what moves the network on its own, so that an answer stands out."""
        for address in HELD:
            if address in self.instrument.tree:
                self.instrument.tree.post(address, 0.0)
        self.mute(lambda address: address in HELD)


class Watch:
    """Takes every picture as it is read back: when, how far it is from the one before, and what drawing it took."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.changes: list[float] = []
        self.draws_ms: list[float] = []
        self._before: FloatArray | None = None

    def take(self, stage: Stage, tick: Tick) -> None:
        """Called after each drawn frame, in the thread that draws."""
        pixels = stage.read()
        now = time.monotonic()
        picture = _coarse(pixels)
        if self._before is not None:
            self.times.append(now)
            self.changes.append(float(np.abs(picture - self._before).mean()))
            self.draws_ms.append(stage.draw_ms)
        self._before = picture


def _coarse(picture: ByteArray) -> FloatArray:
    """Means over squares of green, which carries most of the luminance: film grain, new every frame, averages out."""
    rows, columns = picture.shape[0] // CELL, picture.shape[1] // CELL
    green = picture[: rows * CELL, : columns * CELL, 1].astype(np.float32)
    bands = green.reshape(rows, CELL, columns * CELL).sum(axis=1)
    coarse: FloatArray = bands.reshape(rows, columns, CELL).sum(axis=2) * np.float32(1.0 / CELL**2)
    return coarse


@contextlib.contextmanager
def performance(
    patch_name: str,
    model: str,
    runtime: str,
    audio: str,
    size: tuple[int, int],
    on_frame: Callable[[Stage, Tick], None],
    instrument_type: type[Instrument] = Instrument,
) -> Iterator[Performance]:
    """A show whose generator plays, ready to `analysis_thread.start()`. Raises RuntimeError if the generator does not start."""
    patch = find_patch(patch_name)
    sys.setswitchinterval(SWITCH_S)
    with contextlib.ExitStack() as stack:
        generator = open_model(model, runtime, patient=True)
        stack.callback(generator.close)
        generator.start()
        while generator.status().state not in ("warm", "playing"):
            if generator.status().state == "failed":
                raise RuntimeError(f"expected a generator that plays; got {generator.status().message}")
            time.sleep(0.1)
        source = open_sound(audio, False, True, 0)
        instrument = instrument_type(patch, generator.info, source.inputs, 0)
        context = headless_context()
        stack.callback(context.release)
        analysis_thread = AnalysisThread(instrument, source, generator.send)
        stack.callback(analysis_thread.close)
        show = RealtimeShow(
            instrument, analysis_thread, generator, context, size, DISPLAY_HZ, internal_size=size, on_frame=on_frame
        )
        stack.callback(show.close)
        yield Performance(instrument, analysis_thread, show, generator, source)


@contextlib.contextmanager
def process(module: str, *options: str) -> Iterator[list[float]]:
    """A measuring process beside the show; gives a list that holds the numbers it printed, once the block is left."""
    printed: list[float] = []
    child = subprocess.Popen([sys.executable, "-m", f"engine.bench.{module}", *options], stdout=subprocess.PIPE, text=True)
    try:
        yield printed
        out, _ = child.communicate(timeout=60.0)
        printed.extend(float(line) for line in out.split())
    finally:
        child.kill()
        child.wait()
