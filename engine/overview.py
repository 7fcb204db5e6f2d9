"""What a running show says of itself: the operator's page and the figures of the status."""

import math
import time
from collections.abc import Mapping
from typing import Any

from engine.hands import Hands
from engine.outputs.operator_state import OperatorState
from engine.types import AT_REST, Tick

PANIC_SHOWN_S = 1.0


class Pulse:
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


def operator_state(live: Any, tick: Tick | None, hands: Hands | None) -> OperatorState:
    """What the operator is shown now of `live`, an engine.live.Live."""
    tree, generator = live.instrument.tree, live.generator.status()
    played: Mapping[str, Any] = hands.shown() if hands is not None else {}
    return OperatorState(
        patch=live.instrument.performer.patch.name,
        model=live.generator.info.name,
        runtime=generator.runtime,
        sound=live.listening.source.status().name,
        features=None if tick is None else tick.features,
        last_heard=dict(live.listening.last_heard),
        time_s=0.0 if tick is None else tick.time_s,
        display_fps=live.shown.rate_hz,
        generator_fps=live.made.rate_hz,
        latency_ms=live.latency_s * 1e3,
        internal_size=live.stage.internal_size,
        master=float(tree.leaf("/master/level").value),
        live=bool(tree.leaf("/live").base),
        frozen=bool(tree.leaf("/freeze").value),
        blackout=bool(tree.leaf("/blackout").value),
        panic=time.monotonic() - live.panic_s < PANIC_SHOWN_S,
        recording_s=live.reel.seconds,
        messages=tuple(live.messages),
        music=AT_REST if tick is None else tick.music,
        **played,
    )


def figures(live: Any) -> dict[str, float | str]:
    """The figures of the status, by name; any thread."""
    generator, source = live.generator.status(), live.listening.source.status()
    return {
        "patch": live.instrument.performer.patch.name,
        "model": live.generator.info.name,
        "runtime": generator.runtime,
        "runtime_why": generator.why,
        "frames_by": generator.frames,
        "generator": generator.state,
        "generator_fps": live.made.rate_hz,
        "generator_restarts": generator.restarts,
        "display_fps": live.shown.rate_hz,
        "frames": live.frames,
        "stale_ticks": live.stale,
        "late_frames": live.late,
        "refused_requests": live.answering.refused,
        "refused_values": live.stage.status()["refused_values"],
        "latency_ms": live.latency_s * 1e3,
        "tick_faults": live.listening.faults,
        "sound": source.name,
        "sound_lost": float(source.lost),
        "sound_overflows": source.overflows,
        "recording_s": live.reel.seconds or 0.0,
        "message": live.messages[-1] if live.messages else "",
    }
