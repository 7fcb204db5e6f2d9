"""Feature frames of a made-up song, exact to the sample: 120 beats a minute, drums from bar 8, break at 16, drop at 20."""

import math
from collections.abc import Iterator

import numpy as np

from engine.control.tree import ParamTree
from engine.core.types import Change, Event, FeatureFrame, GeneratorInfo, Tick, TickInput
from engine.instrument.patch_player import PatchPlayer
from engine.stage.passes import load_passes
from engine.stage.stage_params import StageSettings

RATE_HZ, HOP = 48000, 256
HOP_S = HOP / RATE_HZ
CLASSES = ("mountain", "sea", "desert", "sky", "forest", "snow", "city", "lava", "cosmos", "fractal", "neon", "painted")
INFO = GeneratorInfo("light", "light", "none", 32, (3, 8, 8), CLASSES, (256, 256))
BEAT_S, BEATS_A_BAR = 0.5, 4
DRUMS_S, BREAK_S, DROP_S, END_S = 16.0, 32.0, 40.0, 64.0


def frame(
    tick: int, values: dict[str, float] | None = None, events: tuple[Event, ...] = (), hop_s: float = HOP_S, **vectors
) -> FeatureFrame:
    time_s = (tick + 1) * hop_s
    return FeatureFrame(tick, time_s, time_s, values or {}, vectors, events)


def song(seconds: float = END_S, seed: int = 0, start_s: float = 0.0) -> Iterator[FeatureFrame]:
    """The song from its start, or from later on, as the analysis would hear it."""
    rng = np.random.default_rng(seed)
    tick = round(start_s / HOP_S) - 1
    while (tick := tick + 1) * HOP_S < start_s + seconds:
        time_s = (tick + 1) * HOP_S
        beats, before = time_s / BEAT_S, (time_s - HOP_S) / BEAT_S
        beat, drums = math.floor(beats), time_s >= DRUMS_S and not BREAK_S <= time_s < DROP_S
        kinds = []
        if beat > math.floor(before):
            kinds += (
                ["beat"]
                + ["bar"] * (beat % BEATS_A_BAR == 0)
                + ["break"] * (beat == BREAK_S / BEAT_S)
                + ["drop"] * (beat == DROP_S / BEAT_S)
            )
            kinds += (["onset", "kick"] + ["snare"] * (beat % 2)) * drums
        if drums and math.floor(2 * beats) > math.floor(2 * before):
            kinds.append("hat")
        hit = math.exp(-(beats % 1.0) * BEAT_S / 0.05) * drums
        loud = 0.75 if drums else 0.45
        values = {
            "loudness": loud + 0.1 * hit, "level": loud + 0.05 + 0.1 * hit, "flux": hit, "gradient": hit,
            "centroid": 0.3 + 0.2 * hit,
            "pitch": 0.4 + 0.2 * math.sin(time_s), "tempo_bpm": 120.0,
            "tempo_confidence": 0.9 * (time_s > 4.0), "beat_phase": beats % 1.0,
            "bar_phase": beats / BEATS_A_BAR % 1.0, "energy_8s": loud - 0.1, "energy_30s": loud - 0.1, "silence": 0.0,
            "build": max(0.0, (time_s - 36.0) / 4.0) * (time_s < DROP_S),
        }  # fmt: skip
        chroma = np.full(12, 0.1, np.float32)
        chroma[(0, 7, 9, 5)[math.floor(beats / BEATS_A_BAR) % 4]] = 1.0
        bands = (rng.random(8) * 0.2 + np.linspace(0.6, 0.1, 8) * (0.4 + 0.6 * hit)).astype(np.float32)
        events = tuple(Event(kind, time_s, 0.9) for kind in kinds)
        yield frame(tick, values, events, chroma=chroma, bands=bands, mel=np.repeat(bands, 5))


def tree() -> ParamTree:
    """A tree with the leaves that a show attaches before it makes a performer."""
    made = ParamTree()
    made.attach("stage", StageSettings().leaves)
    for item in load_passes():
        made.attach(f"shader/{item.name}", item.leaves)
    return made


def served(tree: ParamTree) -> tuple[Change, ...]:
    """Bring what was posted into force, and answer calls of actions as a show does that does what it is asked."""
    changes, calls = tree.apply(tree.take())
    for call in calls:
        if call.arguments:
            tree.set_state(call.address, call.arguments[0])
    return changes


def step(player: PatchPlayer, features: FeatureFrame, latency_s: float = 0.0) -> Tick:
    """One tick of what is heard and of what was posted meanwhile."""
    return player.step(TickInput(features, player.tree.take(), latency_s))
