"""A performance frame by frame: for each frame of film the ticks up to it and a network picture of its own, nothing dropped."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.audio import Source
from engine.core.types import Call, Tick
from engine.instrument.instrument import RATE_HZ, Instrument, find_patch
from engine.outputs.filenames import Filenames
from engine.outputs.sink import Sink
from engine.outputs.still import StillWriter
from engine.runtime.worker.process import GeneratorProcess
from engine.show.actions import run_calls_of_film
from engine.show.cues import Cues
from engine.show.outputs import OutputSet
from engine.stage.gl_context import headless_context
from engine.stage.stage import Stage

WARM_S = 1800.0  # the first start on a machine compiles the network; a start that hangs is seen sooner
FADE_S = 2.0  # patch changes, as in real time
STEP_S = 30.0  # longer than any restart of the generator


def film(
    instrument: Instrument,
    source: Source,
    generator: GeneratorProcess,
    sinks: Sequence[Sink],
    size: tuple[int, int],
    rate_hz: float,
    seconds: float | None,
    internal_size: tuple[int, int] | None = None,
    say: Callable[[str], None] = print,
    cues: Sequence[tuple[float, str]] = (),
) -> int:
    """Perform `source` (unpaced) into all `sinks` at `rate_hz` frames a second; how many frames.

    `cues` (seconds, "ADDRESS ARGUMENTS") are posted at their times. It ends with the sound, after `seconds`, or when no sink
    is left. The network draws the next frame while this one is drawn, and is seen from the first one on. Raises TimeoutError
    if the generator never answers, OSError or ValueError for a sink that cannot be had, LookupError or ValueError for a cue
    that cannot be posted at the start, and RuntimeError for a part that fails.
    """
    due = Cues(instrument.tree, cues, say)
    context = headless_context()
    stage = Stage(context, size, instrument.stage, instrument.passes, internal_size, instrument.limiter)
    outputs = OutputSet(context, size, rate_hz, RATE_HZ, paced=False, say=say)
    heard = _Heard(instrument, source, outputs, due)
    control = _Control(instrument, stage, say)
    # Every frame has a network picture of its own: there is nothing to blend, and no latency to pay for it.
    instrument.tree.post("/stage/blend", False)
    frames, started = 0, time.monotonic()
    try:
        for sink in sinks:
            outputs.add(sink)
        tick = heard.advance(0.0)
        if tick is not None:
            generator.send(tick)
            picture = generator.wait_for(tick.number, WARM_S)
        while tick is not None and len(outputs) and (seconds is None or frames < round(seconds * rate_hz)):
            time_s = frames / rate_hz
            following = heard.advance((frames + 1) / rate_hz)
            if following is not None:
                generator.send(following)
            control.serve(heard.taken())
            stage.set_frame(picture, at_once=True)  # the film begins with the first picture: there is nothing to fade from
            stage.draw(tick, time_s, 1.0 / rate_hz)
            outputs.take(stage.output, time_s)
            if following is not None:
                picture = generator.wait_for(following.number, STEP_S)
            tick, frames = following, frames + 1
            if frames % round(10 * rate_hz) == 0:
                say(f"{frames / rate_hz:.0f} s of film, {frames / (time.monotonic() - started):.1f} frames/s")
        due.finish()
    finally:
        outputs.close()
        control.close()
        stage.close()
        context.release()
    return frames


class _Heard:
    """What is heard of the source, frame by frame: into the instrument and the outputs."""

    def __init__(self, instrument: Instrument, source: Source, outputs: OutputSet, cues: Cues) -> None:
        self._instrument, self._source, self._outputs, self._cues = instrument, source, outputs, cues
        self._samples = 0
        self._calls: list[Call] = []

    def advance(self, until_s: float) -> Tick | None:
        """Hear everything up to `until_s`; the newest tick, or None at the end of the sound."""
        tick = None
        while tick is None or tick.time_s < until_s:
            self._cues.post(self._samples / RATE_HZ)
            hop = self._source.read(1.0)
            if hop is None:
                return None
            self._outputs.sound(hop.stereo, self._samples / RATE_HZ)
            self._samples += len(hop.stereo)
            try:
                tick = self._instrument.hear(hop.hops, hop.t_heard)
            except (OSError, ValueError, LookupError) as error:  # a part's own fault, and no mistake of who asked for the film
                raise RuntimeError(f"expected every part to step; got {type(error).__name__}: {error}") from error
            self._calls += tick.calls
        return tick

    def taken(self) -> list[Call]:
        """The actions that were asked for since the last call."""
        calls, self._calls = self._calls, []
        return calls


class _Control:
    """What actions may ask of a film: `engine.control.action.FilmControl`."""

    def __init__(self, instrument: Instrument, stage: Stage, say: Callable[[str], None]) -> None:
        self._instrument, self._stage, self.say = instrument, stage, say
        self._stills, self._names = StillWriter(say), Filenames(Path("out"))

    def serve(self, calls: Sequence[Call]) -> None:
        """Do each call."""
        run_calls_of_film(calls, self._instrument.tree, self)

    def refuse(self, message: str) -> None:
        self.say(message)

    def load_patch(self, name: str) -> None:
        self._instrument.choose(find_patch(name))
        self._stage.crossfade(FADE_S)

    def save_still(self) -> None:
        self._stills.save(self._names.new(".png"), self._stage.read())

    def close(self) -> None:
        """Write the stills that wait."""
        self._stills.close()
