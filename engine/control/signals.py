"""What routes and controllers listen to: features, events, controllers, macros and sections, each in a numbered slot."""

import math

from engine.control.patch import MACROS, suggest
from engine.core.tick_context import TickContext
from engine.core.types import FeatureFrame, FeatureNames

MUSIC = ("tempo_bpm", "tempo_confidence", "beat_phase", "bar_phase", "beat_count", "bar_count", "phrase_count")
PLAYED = ("midi/gate", "midi/velocity", "midi/note", "midi/bend", "midi/pressure")  # by hand, on a MIDI keyboard
PLAYED_CHROMA, NOTE = "midi/chroma/", "event/note"
BEAT, BAR = "event/beat", "event/bar"


class Signals:
    """The numbers of one tick. Sources are looked up once, when a patch is wired; a tick then only walks flat lists.

    Sources: a feature `loudness`, one of a vector `chroma/0`, of a named input `kick/loudness`, an event `event/kick` (its
    strength in the tick it falls in, else 0), `macro/energy` (-1/2..1/2), `section/drop` (0..1), a controller's name, or what a
    MIDI keyboard plays: `midi/gate`, `midi/chroma/0`, `event/note`.
    Tempo, beats, bars and phrases are those in force, as the picture needs them, whoever keeps the beat.
    """

    def __init__(self, features: FeatureNames) -> None:
        self._names = features
        self.now: list[float] = []
        self.heard: list[bool] = []  # whether a slot comes from sound, so that /audio/amount scales its routes
        self._slots: dict[str, int] = {}
        self._features: list[tuple[int, str]] = []
        self._vectors: list[tuple[int, str, int]] = []
        self._events: dict[str, int] = {}
        self._music: list[tuple[int, int]] = []
        self._beat_slot = self._bar_slot = -1

    def add(self, name: str, heard: bool = False) -> int:
        """A new slot that its owner fills. Raises LookupError if the name is taken or means a feature."""
        if name in self._slots or name in self._names.values or name in self._names.vectors:
            raise LookupError(f"expected a new name; got {name!r}, which is taken")
        self._slots[name] = len(self.now)
        self.now.append(0.0)
        self.heard.append(heard)
        return self._slots[name]

    def slot(self, source: str) -> int:
        """The slot of a source, opened where it is sound. Raises LookupError with the nearest name there is."""
        if source in self._slots:
            return self._slots[source]
        names = self._names
        path, _, last = source.rpartition("/")
        vector = path.rpartition("/")[2]
        if source == BEAT:
            slot = self._beat_slot = self._open(source)
        elif source == BAR:
            slot = self._bar_slot = self._open(source)
        elif source in MUSIC:
            slot = self._open(source)
            self._music.append((slot, MUSIC.index(source)))
        elif source == NOTE or (source.startswith("event/") and last in names.events):
            slot = self._open(source)
            self._events[source.removeprefix("event/")] = slot
        elif source in PLAYED or (last in names.values and not path.startswith(("event", "macro", "section"))):
            slot = self._open(source)
            self._features.append((slot, source))
        elif vector in names.vectors and last.isdecimal() and int(last) < names.vectors[vector]:
            slot = self._open(source)
            self._vectors.append((slot, path, int(last)))
        else:
            vectors = tuple(f"{name}/0..{size - 1}" for name, size in names.vectors.items())
            events = dict.fromkeys((*(f"event/{kind}" for kind in names.events), BEAT, BAR, NOTE))
            hands = (*PLAYED, f"{PLAYED_CHROMA}0..11", *(f"macro/{macro}" for macro in MACROS))
            known = dict.fromkeys((*self._slots, *names.values, *MUSIC, *vectors, *events, *hands))
            raise LookupError(f"expected a source{suggest(source, known)}, one of {', '.join(known)}; got {source!r}")
        return slot

    def listen(self, features: FeatureFrame) -> None:
        """Fill the slots of sound from one hop. A feature that this hop lacks rests at 0."""
        now, values = self.now, features.values
        for slot, name in self._features:
            now[slot] = values.get(name, 0.0)
        if self._vectors:
            vectors = features.vectors
            for slot, name, index in self._vectors:
                vector = vectors.get(name)
                now[slot] = float(vector[index]) if vector is not None and index < len(vector) else 0.0
        for slot in self._events.values():
            now[slot] = 0.0
        for event in features.events:
            found = self._events.get(event.kind)
            if found is not None:
                now[found] = max(now[found], event.strength)

    def keep_time(self, context: TickContext) -> None:
        """Fill the slots of the musical time in force."""
        now = self.now
        if self._music:
            beats, bars, phrases = context.beats, context.bars, float(context.phrases)
            beat, bar = math.floor(beats), math.floor(bars)
            music = (context.bpm, context.sure, beats - beat, bars - bar, float(beat), float(bar), phrases)
            for slot, index in self._music:
                now[slot] = music[index]
        if self._beat_slot >= 0:
            now[self._beat_slot] = context.sure if context.beat_now and context.steady else 0.0
        if self._bar_slot >= 0:
            now[self._bar_slot] = context.sure if context.bar_now and context.steady else 0.0

    def _open(self, source: str) -> int:
        self._slots[source] = len(self.now)
        self.now.append(0.0)
        self.heard.append(not (source in PLAYED or source == NOTE or source.startswith(PLAYED_CHROMA)))
        return self._slots[source]
