"""A performance frame by frame: for each frame of film the ticks up to it and a network picture of its own, nothing dropped."""

import time
from collections.abc import Callable
from pathlib import Path

from engine.audio import Source
from engine.core.types import Tick
from engine.instrument.instrument import Instrument
from engine.outputs.film import Recorder
from engine.runtime.worker.process import GeneratorProcess
from engine.stage.gl_context import headless_context
from engine.stage.stage import Stage

WARM_S = 1800.0  # the first start on a machine compiles the network; a start that hangs is seen sooner
STEP_S = 30.0  # longer than any restart of the generator


def film(
    instrument: Instrument,
    source: Source,
    generator: GeneratorProcess,
    path: Path,
    size: tuple[int, int],
    rate_hz: float,
    seconds: float | None,
    internal_size: tuple[int, int] | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Perform `source` (unpaced) into `path` at `rate_hz` frames a second until it ends or for `seconds`; frames written.

    The network draws the next frame while this one is drawn, and is seen from the first one on. Raises TimeoutError if the
    generator never answers.
    """
    context = headless_context()
    stage = Stage(context, size, instrument.stage, instrument.passes, internal_size, instrument.limiter)
    recorder = Recorder(path, size, rate_hz, paced=False)
    # Every frame has a network picture of its own: there is nothing to blend, and no latency to pay for it.
    instrument.tree.post("/stage/blend", False)
    frames, started = 0, time.monotonic()
    try:
        tick = _advance(instrument, source, recorder, 0.0)
        if tick is not None:
            generator.send(tick)
            picture = generator.wait_for(tick.number, WARM_S)
        while tick is not None and (seconds is None or frames < round(seconds * rate_hz)):
            time_s = frames / rate_hz
            following = _advance(instrument, source, recorder, (frames + 1) / rate_hz)
            if following is not None:
                generator.send(following)
            stage.set_frame(picture, at_once=True)  # the film begins with the first picture: there is nothing to fade from
            stage.draw(tick, time_s, 1.0 / rate_hz)
            recorder.video(stage.read(), time_s)
            if following is not None:
                picture = generator.wait_for(following.number, STEP_S)
            tick, frames = following, frames + 1
            if frames % round(10 * rate_hz) == 0:
                say(f"{frames / rate_hz:.0f} s of film, {frames / (time.monotonic() - started):.1f} frames/s")
    finally:
        recorder.close()
        stage.close()
        context.release()
    status = recorder.status()
    if status.message:
        say(status.message)
    return frames


def _advance(instrument: Instrument, source: Source, recorder: Recorder, until_s: float) -> Tick | None:
    """Hear everything up to `until_s`; the newest tick, or None at the end of the sound."""
    tick = None
    while tick is None or tick.time_s < until_s:
        hop = source.read(1.0)
        if hop is None:
            return None
        recorder.audio(hop.stereo)
        tick = instrument.hear(hop.hops, hop.t_heard)
    return tick
