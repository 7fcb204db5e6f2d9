"""What the operator's window shows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.types import AT_REST, FeatureFrame, Music


@dataclass(frozen=True, slots=True)
class OperatorState:
    """One moment of the show, for the performer's eyes only."""

    patch: str
    model: str
    runtime: str
    sound: str  # the device or file that is heard
    features: FeatureFrame | None  # level, bands, chroma, tempo_bpm are read from it; None before the first hop
    last_heard: Mapping[str, float]  # kind of event -> time.monotonic() of the newest: onset, kick, snare, hat
    time_s: float
    display_fps: float
    generator_fps: float
    latency_ms: float  # sound to generated picture
    internal_size: tuple[int, int]  # at which the passes are drawn
    master: float = 1.0  # 0..1
    live: bool = False
    frozen: bool = False
    blackout: bool = False
    panic: bool = False
    recording_s: float | None = None  # None while nothing is recorded
    music: Music = AT_REST
    osc: str = "off"  # where it is listened for, and what came
    osc_heard_s: float = -math.inf  # time.monotonic() of the newest message
    midi: str = "off"
    midi_heard_s: float = -math.inf
    stranger: str = ""  # a machine that sends without being let in
    messages: tuple[str, ...] = field(default=())  # newest last
