"""Which controllers a hand has moved: a knob that was swept, or an endless encoder that was turned. Pure.

Most of what comes as a controller is no control of a hand: a host chases volume, pan and effects on every channel when it starts
or jumps, parameters by number (RPN, NRPN) are selected and set by six controllers, an MPE keyboard sends one for each finger, a
fine half belongs to its coarse one.
"""

from collections import deque

from engine.remote.midi.controls import FINE, MODES, PAIR_S, Knob, Touch
from engine.remote.midi.encoders import recognise

KNOB = "cc"  # what a knob or fader that was swept is; an encoder is its encoding
SWEPT, SPAN, STRIDE = 4, 32, 48  # different values of a sweep, how far it leads, and the largest step in it
PAUSE_S = 0.5  # after so long a sweep begins anew
HANDFUL, BURST_S = 4, 0.02  # controls that two hands move at a time; a sender that moves more is no hand
TREMBLE = 1  # how far a knob moves by itself: boards that send all their knobs all the time are no burst
REST_S = 2.0  # a control whose macro was given back has to rest so long
SELECT, DATA, STEPS, NONE = range(98, 102), (6, 38), (96, 97), 127  # of RPN and NRPN: number, value, steps, and no number
MPE_ZONE = [0, 6, True]  # the RPN that says how many channels a zone has
TIMBRE = 74  # a finger's third dimension in MPE
PLAYED = (64, 66, 67, 88)  # pedals of a piano, and the prefix of a note's velocity: music, where notes are played

Channel = tuple[str, int]  # port, channel 1..16


class Motion:
    """How one controller has moved of late."""

    __slots__ = ("latest", "resting", "run", "t", "values")

    def __init__(self) -> None:
        self.latest, self.t = -1, 0.0
        self.values: deque[int] = deque(maxlen=16)
        self.run: set[int] = set()  # values since it last leapt or paused
        self.resting = False

    def take(self, value: int, t: float) -> bool:
        """One more value of it; whether it is the one before again."""
        again = value == self.latest
        if t - self.t >= REST_S:
            self.resting = False
        if t - self.t > PAUSE_S or abs(value - self.latest) > STRIDE:
            self.run.clear()
        self.latest, self.t = value, t
        self.values.append(value)
        self.run.add(value)
        return again

    def forget(self) -> None:
        """What was seen was no hand's."""
        self.values.clear()
        self.run.clear()

    @property
    def swept(self) -> bool:
        """Whether it went through values as a knob does that a hand turns."""
        return len(self.run) >= SWEPT and max(self.run) - min(self.run) >= SPAN


class SweepDetector:
    """Listens to every controller and note, and tells what a controller is that nobody has named. Calls must not overlap."""

    def __init__(self) -> None:
        self._motions: dict[Knob, Motion] = {}
        self._newest: dict[Channel, tuple[int, float]] = {}  # controller, and when it came
        self._fine: set[Knob] = set()  # fine halves, by their own numbers
        self._selected: dict[Channel, list[int]] = {}  # number in two halves, and whether it is registered
        self._zones: dict[Channel, range] = {}  # MPE: a zone's manager -> channels of its fingers
        self._sounding: dict[Channel, set[int]] = {}
        self._chords: set[str] = set()  # ports whose notes sounded on several channels at once
        self._moving: dict[str, dict[Knob, float]] = {}  # port -> what moved within a moment

    def listen(self, touch: Touch, t: float) -> None:
        """Every controller and note, whoever has it."""
        channel = touch.port, touch.channel
        if touch.kind == "note":
            self._play(channel, touch.number, touch.position > 0.0)
            return
        number = touch.number
        before, since_s = self._newest.get(channel, (-1, 0.0))
        self._newest[channel] = number, t
        if abs(number - before) == FINE and max(number, before) < 2 * FINE and t - since_s <= PAIR_S:
            self._fine.add((*channel, max(number, before)))
        if number in SELECT:
            selected = self._selected.setdefault(channel, [NONE, NONE, False])
            selected[number % 2 == 0], selected[2] = touch.raw, number >= 100
        elif number == DATA[0] and touch.channel in (1, 16) and self._selected.get(channel) == MPE_ZONE:
            first, last = (2, 1 + touch.raw) if touch.channel == 1 else (16 - touch.raw, 15)
            self._zones[channel] = range(max(first, 2), min(last, 15) + 1)

    def look(self, touch: Touch, t: float) -> str | None:
        """What a controller is that nobody has: KNOB that was swept, an encoder's encoding, or None, which may change."""
        knob = touch.port, touch.channel, touch.number
        if self._is_taken(knob):
            return None
        motion = self._motion(knob)
        leapt = abs(touch.raw - motion.latest) > TREMBLE
        motion.take(touch.raw, t)
        if (leapt and self._is_burst(knob, t)) or motion.resting:
            return None
        return recognise(motion.values) or (KNOB if motion.swept else None)

    def look_again(self, touch: Touch, t: float) -> str | None:
        """The encoding of a controller that was taken for a knob and is an encoder after all: no knob repeats its value."""
        motion = self._motion((touch.port, touch.channel, touch.number))
        return recognise(motion.values) if motion.take(touch.raw, t) else None

    def is_coarse(self, touch: Touch) -> bool:
        """Whether a controller has a fine half, so that it may repeat its value while it moves."""
        return (touch.port, touch.channel, touch.number + FINE) in self._fine

    def rest(self, knob: Knob) -> None:
        """What it had was given back: until it has rested it is nobody's."""
        motion = self._motions.get(knob)
        if motion is not None:
            motion.forget()
            motion.resting = True

    def release(self, port: str | None = None, channel: int = 0) -> None:
        """No note sounds any more: on one channel of a port, on a port (channel 0), or on all."""
        for place, notes in self._sounding.items():
            if port in (None, place[0]) and channel in (0, place[1]):
                notes.clear()

    def lose(self, port: str) -> None:
        """A port is gone, and all that is known of it."""
        self._motions = {knob: motion for knob, motion in self._motions.items() if knob[0] != port}
        self._newest = {place: newest for place, newest in self._newest.items() if place[0] != port}
        self._selected = {place: number for place, number in self._selected.items() if place[0] != port}
        self._zones = {place: fingers for place, fingers in self._zones.items() if place[0] != port}
        self._sounding = {place: notes for place, notes in self._sounding.items() if place[0] != port}
        self._fine = {knob for knob in self._fine if knob[0] != port}
        self._chords.discard(port)
        self._moving.pop(port, None)

    def _play(self, place: Channel, note: int, on: bool) -> None:
        notes = self._sounding.setdefault(place, set())
        if not on:
            notes.discard(note)
            return
        notes.add(note)
        if any(others for (port, channel), others in self._sounding.items() if port == place[0] and channel != place[1]):
            self._chords.add(place[0])

    def _is_taken(self, knob: Knob) -> bool:
        """Whether a controller is part of something else, whatever it does."""
        port, channel, number = knob
        place = port, channel
        if number >= MODES or number in SELECT or number in STEPS or knob in self._fine:
            return True
        if number in DATA and self._selected.get(place, [NONE, NONE])[:2] != [NONE, NONE]:
            return True
        if any(channel in fingers for (other, _), fingers in self._zones.items() if other == port):
            return True
        if number == TIMBRE and place not in self._zones and (channel > 1 or port in self._chords):
            return bool(self._sounding.get(place))
        return number in PLAYED and place in self._sounding

    def _is_burst(self, knob: Knob, t: float) -> bool:
        """Whether more moves at a time than hands move; what moved with it is no hand's either."""
        moving = self._moving.setdefault(knob[0], {})
        moving.pop(knob, None)
        moving[knob] = t
        for other in list(moving):  # the oldest first
            if t - moving[other] <= BURST_S:
                break
            del moving[other]
        if len(moving) <= HANDFUL:
            return False
        for other in moving:
            if other in self._motions:
                self._motions[other].forget()
        return True

    def _motion(self, knob: Knob) -> Motion:
        motion = self._motions.get(knob)
        if motion is None:
            motion = self._motions[knob] = Motion()
        return motion
