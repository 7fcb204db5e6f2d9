"""The notes that are held on keyboards, as features: what is played by hand reaches the picture like what is heard."""

from collections import deque

import numpy as np

from engine.core.types import Event, FeatureFrame, FloatArray

LATE_S = 0.1  # an event is never dated further back than this
EVENTS = 64  # waiting for a tick; more in 5 ms are not played by hand
SILENT = np.zeros(12, np.float32)
SILENT.setflags(write=False)

Key = tuple[str, int, int]  # port, channel, note; -1 for all of the channel


class Notes:
    """Features midi/gate, midi/velocity, midi/note, midi/bend, midi/pressure, the vector midi/chroma, and events `note`.

    gate: 1 while any note is held. velocity: how hard the newest note was struck, 0..1. note: the newest held one, 0..1 for
    0..127; held when the last is released. bend: -1..1, and 0 at rest. pressure: the strongest aftertouch, 0..1. chroma (12,):
    held pitch classes from C, each as hard as its hardest note. All are 0 until something is played, and after `release`.

    Calls must not overlap, but `into` may come from another thread: it takes one immutable snapshot, and waits for nobody.
    """

    def __init__(self) -> None:
        self._held: dict[Key, float] = {}  # in the order in which they were struck
        self._pressures: dict[Key, float] = {}
        self._velocity = self._note = self._bend = 0.0
        self._bent = ""  # the port whose wheel moved last
        self._chroma: FloatArray = SILENT
        self._now: tuple[dict[str, float], dict[str, FloatArray]] | None = None
        self._struck: deque[tuple[float, float]] = deque(maxlen=EVENTS)  # velocity, time.monotonic()

    def press(self, port: str, channel: int, note: int, velocity: float, t: float) -> None:
        """A note begins, `velocity` above 0."""
        key = (port, channel, note)
        self._held.pop(key, None)  # struck again it is the newest
        self._held[key] = self._velocity = velocity
        self._struck.append((velocity, t))
        self._tell_held()

    def lift(self, port: str, channel: int, note: int) -> None:
        """A note ends; one that is not held is none of ours."""
        pressed = self._pressures.pop((port, channel, note), None)
        if self._held.pop((port, channel, note), None) is not None:
            self._tell_held()
        elif pressed is not None:
            self._tell()

    def bend(self, port: str, position: float) -> None:
        """The pitch wheel, -1..1; of several the one that moved last."""
        self._bent, self._bend = port, position
        self._tell()

    def squeeze(self, port: str, channel: int, note: int, pressure: float) -> None:
        """Aftertouch of one note, or of the channel where `note` is -1."""
        self._pressures[port, channel, note] = pressure
        if pressure == 0.0:
            del self._pressures[port, channel, note]
        self._tell()

    def release(self, port: str | None = None, channel: int = 0) -> None:
        """All notes off: of one port and channel, of a port (channel 0), or, without either, everything back to rest."""
        self._held = {key: value for key, value in self._held.items() if not _belongs(key, port, channel)}
        self._pressures = {key: value for key, value in self._pressures.items() if not _belongs(key, port, channel)}
        if port in (None, self._bent):
            self._bend = 0.0
        if port is None:
            self._velocity = self._note = 0.0
        self._tell_held()

    def into(self, features: FeatureFrame) -> FeatureFrame:
        """`features` with what is played added; they are not touched. Events are dated on their sample clock."""
        now = self._now
        if now is None:
            return features
        events = features.events
        if self._struck:
            struck = []
            while self._struck:
                velocity, t = self._struck.popleft()
                ago_s = min(max(features.t_heard - t, 0.0), LATE_S)
                struck.append(Event("note", max(features.time_s - ago_s, 0.0), velocity))
            events = (*events, *struck)
        values, vectors = now
        return FeatureFrame(
            features.tick,
            features.time_s,
            features.t_heard,
            {**features.values, **values},
            {**features.vectors, **vectors},
            events,
        )

    def _tell_held(self) -> None:
        chroma = SILENT
        if self._held:
            chroma = np.zeros(12, np.float32)
            for (_, _, note), velocity in self._held.items():
                chroma[note % 12] = max(chroma[note % 12], velocity)
            self._note = next(reversed(self._held))[2] / 127.0
        self._chroma = chroma
        self._tell()

    def _tell(self) -> None:
        values = {
            "midi/gate": 1.0 if self._held else 0.0,
            "midi/velocity": self._velocity,
            "midi/note": self._note,
            "midi/bend": self._bend,
            "midi/pressure": max(self._pressures.values(), default=0.0),
        }
        self._now = values, {"midi/chroma": self._chroma}


def _belongs(key: Key, port: str | None, channel: int) -> bool:
    return port is None or (key[0] == port and channel in (0, key[1]))
