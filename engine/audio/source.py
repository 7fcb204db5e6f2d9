"""What a source delivers: one hop of sound, and what it says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.core.types import FloatArray

Inputs = dict[str, tuple[int, int]]  # name -> first and last channel, counted from 1
LOUDEST = 8.0  # +18 dBFS: above it a sample is a fault, not music


@dataclass(frozen=True, slots=True)
class AudioHop:
    """One analysis hop of sound at the analysis rate; every sample is finite and within +-`LOUDEST`."""

    hops: Mapping[str, FloatArray]  # input name -> (hop,) mono
    stereo: FloatArray  # (hop, 2), for the recorder
    t_heard: float  # time.monotonic() when the last sample arrived, or was heard


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What the operator is shown."""

    name: str
    rate_hz: int  # the source's own rate, before resampling
    overflows: int  # times that sound was dropped, or missing, because a thread came late
    lost: bool  # the device is away; silence is delivered meanwhile
    level: float  # peak of the newest hop, 0..1
    position_s: float = 0.0  # where in its file the newest hop is
    fault: str = ""  # why it is lost, where that is known


class Source(Protocol):
    """Delivers hops in order. One thread reads; `status` and `close` may be called from any."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, the main one first."""

    @property
    def channels(self) -> int:
        """Channels that the source itself has."""

    @property
    def ended(self) -> bool:
        """Whether all has been read."""

    def read(self, timeout_s: float) -> AudioHop | None:
        """The next hop, or None when it did not come within `timeout_s` or the source has ended."""

    def status(self) -> SourceStatus:
        """How it stands now."""

    def close(self) -> None:
        """Stop and give the device or file back; `read` then returns None. May be called twice."""


def clean(samples: FloatArray) -> FloatArray:
    """`samples` with NaN and denormals as 0 and the rest within +-`LOUDEST`: sound is checked here, once, and then trusted."""
    bounded = np.clip(np.nan_to_num(samples, nan=0.0, posinf=LOUDEST, neginf=-LOUDEST), -LOUDEST, LOUDEST)
    # Denormals slow every later filter by an order of magnitude.
    bounded[np.abs(bounded) < 1e-15] = 0.0
    return bounded


def mono_hop(stereo: FloatArray, t_heard: float) -> AudioHop:
    """A hop of the single input `main`, the mean of `stereo` (hop, 2)."""
    return AudioHop({"main": stereo.mean(axis=1, dtype=np.float32)}, stereo, t_heard)


def level_of(stereo: FloatArray) -> float:
    """Peak of `stereo`, 0..1."""
    return min(1.0, float(np.abs(stereo).max(initial=0.0)))
