"""One hop of sound as the features see it, and the base class of features."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from engine.core.params import Parametric
from engine.core.types import Event, FloatArray


@dataclass(frozen=True, slots=True)
class Format:
    """How sound is cut into hops."""

    rate_hz: int
    size: int  # samples a hop

    @property
    def period_s(self) -> float:
        """Time from hop to hop."""
        return self.size / self.rate_hz

    def hops(self, seconds: float) -> int:
        """A duration in whole hops, at least one."""
        return max(1, round(seconds / self.period_s))

    def pole(self, tau_s: float) -> float:
        """How far a one-pole of time constant `tau_s` goes in one hop, 0..1."""
        return 1.0 - float(np.exp(-self.period_s / tau_s))


@dataclass(slots=True)
class Hop:
    """What is known of one hop of one input. Features read what earlier features wrote, and add their own.

    It holds no samples at the full rate: `magnitude` is the spectrum of the newest window, `low` a slow copy of the sound.
    The feature `gain` writes `gain`, `bands` writes `log_mel`, `flux` the novelties: who reads one names its writer in `after`.
    Arrays belong to the spectrum and are overwritten by the next hop; what goes into `vectors` must be a copy.
    """

    number: int
    time_s: float  # end of the hop
    magnitude: FloatArray  # (window / 2 + 1,), a full-scale sine is 1
    low: FloatArray  # newest samples at a quarter of the rate, oldest first
    gain: float = 1.0  # from auto-gain; 0 in silence
    log_mel: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))  # (40,), after gain
    novelty: float = 0.0  # mean rise of log_mel
    novelties: tuple[float, float] = (0.0, 0.0)  # of its lower and upper bands
    values: dict[str, float] = field(default_factory=dict)
    vectors: dict[str, FloatArray] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def emit(self, kind: str, strength: float, ago_s: float = 0.0) -> None:
        """Add an event that happened `ago_s` before the end of this hop."""
        self.events.append(Event(kind, max(self.time_s - ago_s, 0.0), unit(strength)))


class Feature(Parametric, ABC):
    """One measurement, stepped once a hop. Stages of slow work are counted in hops, so runs are repeatable.

    It declares what it writes, which is then what patches and remotes may listen to: numbers of 0..1, unless their names carry
    a unit (_db, _hz, _bpm, _count). Parameters are `Param`s of the class; state belongs in `reset`, which `__init__` calls. What
    is fixed for good goes into an `__init__(self, form)`, before `super().__init__(form)`.
    """

    values: ClassVar[tuple[str, ...]] = ()  # names of the numbers that every step writes
    vectors: ClassVar[Mapping[str, int]] = {}  # name -> size
    events: ClassVar[tuple[str, ...]] = ()  # kinds that it emits
    after: ClassVar[tuple[str, ...]] = ()  # features whose values it reads
    every_input: ClassVar[bool] = True  # or of the first input only

    def __init__(self, form: Format) -> None:
        super().__init__()
        self.format = form
        self.reset()

    def reset(self) -> None:
        """Forget the sound heard so far."""

    @abstractmethod
    def step(self, hop: Hop) -> None:
        """Read `hop`, add values, vectors and events to it."""


def unit(number: float) -> float:
    """`number` limited to 0..1."""
    return 0.0 if number < 0.0 else 1.0 if number > 1.0 else number
