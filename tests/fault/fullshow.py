"""A whole show in real time, headless, to be ill-treated; and what it showed, frame by frame."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from performing import performing, until

from engine.show.analysis_thread import AnalysisThread
from engine.show.perform import open_sound
from engine.show.realtime import RealtimeShow


class Seen(NamedTuple):
    """One frame: when it was drawn (time.monotonic()), the tick it was drawn from, and when that one's sound was heard."""

    at_s: float
    tick: int
    t_heard: float


@dataclass(frozen=True)
class Show:
    """`seen` grows by one a frame."""

    live: RealtimeShow
    analysis_thread: AnalysisThread
    seen: list[Seen] = field(default_factory=list)

    def run(self, seconds: float) -> list[Seen]:
        """Perform, in this thread; the frames that were drawn meanwhile."""
        before = len(self.seen)
        self.live.run(seconds)
        return self.seen[before:]

    def run_until(self, so: Callable[[], object], reach_s: float = 60.0) -> float:
        """Perform until it is so, in stretches long enough for saved shaders to be looked for; how long it took."""
        began = time.monotonic()
        while not so():
            self.run(0.7)
            assert time.monotonic() - began < reach_s, self.live.messages
        return time.monotonic() - began


@contextmanager
def perform() -> Iterator[Show]:
    """A show that plays, network and all."""
    seen: list[Seen] = []

    def look(_stage: Any, tick: Any) -> None:
        seen.append(Seen(time.monotonic(), tick.number, tick.t_heard))

    with ExitStack() as stack:
        live, listening = performing(stack, open_sound("synthetic", False, True, 0), on_frame=look)
        until(live, lambda: live.generator.status().state == "playing", 120.0)
        yield Show(live, listening, seen)


def periods_ms(frames: Sequence[Seen]) -> np.ndarray:
    """Times between frames."""
    return np.diff([frame.at_s for frame in frames]) * 1e3
