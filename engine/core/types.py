"""The values that pass between stages. All are immutable once made; arrays are float32 unless said otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from engine.core.value import Value as Value

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment: an onset, a kick, a beat, a drop."""

    kind: str
    time_s: float  # on the sample clock
    strength: float  # 0..1


@dataclass(frozen=True, slots=True)
class FeatureFrame:
    """What one analysis hop says. Every number is finite, and 0..1 unless its name carries a unit.

    Features of a named input other than the first carry its name: `kick/loudness`.
    """

    tick: int  # hops since the start
    time_s: float  # end of the hop, counted in samples
    t_heard: float  # time.monotonic() when the hop's last sample arrived
    values: Mapping[str, float]  # loudness, flux, tempo_bpm, ...
    vectors: Mapping[str, FloatArray]  # chroma (12,), bands (B,), mel (M,)
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class LatentState:
    """One input of a generator. `truncation` scales the spread of z; `noise` feeds the network's own random inputs.

    `extra_inputs` holds whatever else a model lets move (`engine.core.network.Network.extra_inputs`); all zeros is at rest.
    """

    z: FloatArray  # (Z,)
    y: FloatArray  # (C,), sums to 1
    truncation: float  # 0..1
    noise: FloatArray  # (N,)
    extra_inputs: Mapping[str, FloatArray] = field(default_factory=dict)  # input -> its shape


@dataclass(frozen=True, slots=True)
class FeatureNames:
    """What the registered features write, input by input, and so what there is to listen to in a `FeatureFrame`."""

    values: tuple[str, ...]
    vectors: Mapping[str, int]  # name -> size
    events: tuple[str, ...]


class Change(NamedTuple):
    """A hand's new value that came into force: from a key, OSC, MIDI or a page."""

    address: str
    value: Value
    t_posted: float  # time.monotonic() when it arrived


class Call(NamedTuple):
    """One call of an action, with its arguments. Every call counts: none takes another's place."""

    address: str
    arguments: tuple[Value, ...]
    t_posted: float  # time.monotonic() when it arrived


@dataclass(frozen=True, slots=True)
class ClockState:
    """Where a MIDI clock stands. Between two states: `beats + (now - t) * bpm / 60`."""

    bpm: float
    beats: float  # at `t`, from where the sender began to count, or its song position
    running: bool  # whether the sender plays, between start or continue and stop; a stopped one may still send its tempo
    t: float  # time.monotonic() of this position, freed from the jitter of single pulses
    sure: float  # 0..1: how many pulses it rests on, and how evenly they came


@dataclass(frozen=True, slots=True)
class TickInput:
    """All that decides one tick beside what went before: the same inputs give the same ticks, so that a take can replay them."""

    features: FeatureFrame
    posted: tuple[Change | Call, ...] = ()  # what hands asked for since the tick before, in order of arrival
    latency_s: float = 0.0  # from a sound's arrival to the picture that it moved, as measured of late
    clock: ClockState | None = None  # where a MIDI clock stands


@dataclass(frozen=True, slots=True)
class Music:
    """The musical time in force, whoever keeps it."""

    bpm: float
    beats: float  # counted since the start; never runs backwards
    source: str  # hands, clock (MIDI), analysis, or rest where nobody has said anything yet
    ahead_s: float  # by how much the pictures' beat leads this one, so that it is seen on the beat


AT_REST = Music(120.0, 0.0, "rest", 0.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """All that one step of control decided; the presenter draws from two of these and never steps state itself."""

    number: int
    time_s: float
    t_heard: float
    features: FeatureFrame
    params: Mapping[str, Value]  # address -> modulated value
    latent: LatentState
    changes: tuple[Change, ...] = ()  # what hands changed since the tick before, in order of arrival
    music: Music = AT_REST
    calls: tuple[Call, ...] = ()  # actions that were asked for since the tick before, in order of arrival


class GpuPicture:
    """A picture that is in the memory of the graphics card, `shape` bytes at `pointer`, and stays there until it is copied.

    Whoever copies it later says so: `copied` is asked before another picture takes its place.
    """

    __slots__ = ("copied", "pointer", "shape")

    def __init__(self, pointer: int, shape: tuple[int, int, int]) -> None:
        self.pointer, self.shape = pointer, shape
        self.copied: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Frame:
    """One generated picture and the age of the sound that shaped it."""

    rgba: ByteArray | GpuPicture  # (H, W, 4), sRGB
    tick: int  # the tick whose latent was drawn
    t_heard: float  # time.monotonic() of the newest sound in it
    t_made: float  # time.monotonic() when it was finished
    seq: int  # counts up by one a frame within one generator process


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Named directions of a model's latent space, one standard deviation long each."""

    space: str  # z, or w: the space behind a mapping network
    names: tuple[str, ...]
    vectors: FloatArray  # (D, Z) or (D, W)


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """What a loaded model offers."""

    name: str  # by which it is found again: of the shelf, or its folder's path
    architecture: str
    runtime: str
    z_size: int
    noise_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    resolution: tuple[int, int]  # width, height
    extra_inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # further inputs of the network, and their shapes
    directions: Directions | None = None
    patch: str = ""  # the patch that plays it where the playing one cannot; empty: none in particular


class Generator(Protocol):
    """Draws pictures from latents. One thread may call it at a time."""

    info: GeneratorInfo

    def step(self, state: LatentState, out: ByteArray) -> None:
        """Draw `state` into `out`, (H, W, 4) RGBA. The same state always gives the same picture."""

    def close(self) -> None:
        """Give back all memory. The generator cannot be used afterwards."""


@runtime_checkable
class GpuGenerator(Generator, Protocol):
    """A generator whose pictures need not leave the card that draws them."""

    def draw_on_gpu(self, state: LatentState, pointer: int) -> None:
        """Draw `state` into (H, W, 4) RGBA bytes of the card's memory. The picture is there when this returns."""
