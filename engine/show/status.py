"""What a running show says of itself: the operator's page and the figures of the status."""

import math
import time
from collections.abc import Sequence
from typing import Protocol

from engine.core.types import AT_REST, Tick
from engine.instrument.instrument import Instrument
from engine.runtime.worker.process import GeneratorProcess
from engine.show.actions import RefusalCount
from engine.show.analysis_thread import AnalysisThread
from engine.show.outputs import OutputSet
from engine.show.recording import Recording
from engine.show.remotes import NO_REMOTES, Remotes
from engine.stage.stage import Stage
from engine.windows.operator_state import OperatorState

PANIC_SHOWN_S = 1.0


class RateMeter:
    """How often something happened of late."""

    def __init__(self, keep: int = 60) -> None:
        self._times: list[float] = []
        self._keep = keep

    def beat(self, now_s: float) -> None:
        """It happened."""
        self._times.append(now_s)
        if len(self._times) > self._keep:
            del self._times[0]

    @property
    def rate_hz(self) -> float:
        """Times a second over the newest of them; falls where nothing comes any more."""
        times = self._times
        if len(times) < 2:
            return 0.0
        span_s = max(times[-1], time.monotonic() - 0.5) - times[0]
        return (len(times) - 1) / span_s if span_s > 0.0 and math.isfinite(span_s) else 0.0


class RunningShow(Protocol):
    """A show in real time, as its status is told of it. Attributes are read by any thread."""

    instrument: Instrument
    analysis_thread: AnalysisThread
    generator: GeneratorProcess
    stage: Stage
    recording: Recording
    outputs: OutputSet
    refusals: RefusalCount
    shown: RateMeter  # frames
    made: RateMeter  # network frames
    frames: int
    late: int
    stale: int
    latency_s: float
    panic_s: float

    @property
    def messages(self) -> Sequence[str]: ...


def operator_state(show: RunningShow, tick: Tick | None, remotes: Remotes | None) -> OperatorState:
    """What the operator is shown now."""
    tree, generator = show.instrument.tree, show.generator.status()
    lamps = NO_REMOTES if remotes is None else remotes.lamps()
    return OperatorState(
        patch=show.instrument.player.patch.name,
        model=show.generator.info.name,
        runtime=generator.runtime,
        sound=show.analysis_thread.source.status().name,
        features=None if tick is None else tick.features,
        last_heard=dict(show.analysis_thread.last_heard),
        time_s=0.0 if tick is None else tick.time_s,
        display_fps=show.shown.rate_hz,
        generator_fps=show.made.rate_hz,
        latency_ms=show.latency_s * 1e3,
        internal_size=show.stage.internal_size,
        master=show.instrument.master.level,
        live=bool(tree.leaf("/live").base),
        frozen=bool(tree.leaf("/freeze").value),
        blackout=bool(tree.leaf("/blackout").value),
        panic=time.monotonic() - show.panic_s < PANIC_SHOWN_S,
        recording_s=show.recording.seconds,
        messages=tuple(show.messages),
        music=AT_REST if tick is None else tick.music,
        osc=lamps.osc,
        osc_heard_s=lamps.osc_heard_s,
        midi=lamps.midi,
        midi_heard_s=lamps.midi_heard_s,
        stranger=lamps.stranger,
    )


def figures(show: RunningShow) -> dict[str, float | str]:
    """The figures of the status, by name; any thread."""
    generator, source = show.generator.status(), show.analysis_thread.source.status()
    return {
        "patch": show.instrument.player.patch.name,
        "model": show.generator.info.name,
        "runtime": generator.runtime,
        "runtime_why": generator.why,
        "frames_by": generator.frames,
        "generator": generator.state,
        "generator_fps": show.made.rate_hz,
        "generator_restarts": generator.restarts,
        "display_fps": show.shown.rate_hz,
        "frames": show.frames,
        "stale_ticks": show.stale,
        "late_frames": show.late,
        "refused_requests": show.refusals.count + show.analysis_thread.calls_lost,
        "refused_values": show.stage.refused_values,
        "latency_ms": show.latency_s * 1e3,
        "tick_faults": show.analysis_thread.faults,
        "sound": source.name,
        "sound_lost": float(source.lost),
        "sound_overflows": source.overflows,
        "recording_s": show.recording.seconds or 0.0,
        **show.outputs.figures(),
        "message": show.messages[-1] if show.messages else "",
    }
