"""What a controller that no patch names is, by what it has sent: a fader that a hand sweeps, an endless encoder, or neither.

Only a fader and an encoder may play a macro. What a program or a device sends by itself does not look like either: the values
of a start-up, bank selects, RPN and NRPN, MPE's third dimension, fine halves of 14 bits.
"""

from collections import Counter, deque
from collections.abc import Sequence
from itertools import pairwise

from engine.remote.midi.controls import BANK_SELECT, FINE, MODES, PAIR_S, Knob, Touch

KEPT = 16  # messages of each controller
SWEEP_S = 1.0  # within which a hand sweeps
SWEPT = 3  # different values, at least, ...
SPAN = 8  # ... that far apart: the steps of an encoder that is turned fast look like less
LEAP = 48  # more between two values is no hand's
REPEATS = 3  # an encoder says the same again and again; a fader has moved when it speaks
DATA_ENTRY = (6, 38)  # of the RPN or NRPN that was selected
NUMBERS = range(96, 102)  # data increment and decrement, and the selects of RPN and NRPN
RPN_FINE, RPN_COARSE, MPE_ZONE, NULL = 100, 101, 6, 127
ON = 127  # the one value of many a switch
TIMBRE = 74  # MPE's third dimension, of each note
# Data bytes of few clicks, by encoding: what an encoder sends when it is not turned very fast.
CLICKS = {
    "complement": frozenset((*range(1, 8), *range(121, 128))),
    "offset": frozenset((*range(57, 64), *range(65, 72))),
    "sign": frozenset((*range(1, 8), *range(65, 72))),
    "offset16": frozenset((*range(9, 16), *range(17, 24))),
}


class TouchHistory:
    """Watches all controllers. Calls must not overlap."""

    def __init__(self) -> None:
        self._values: dict[Knob, deque[tuple[int, float]]] = {}
        self._last_s: dict[Knob, float] = {}  # when a controller below 64 last came, to know its other half by
        self._fine: set[Knob] = set()  # fine halves: no controls of their own
        self._selected: dict[tuple[str, int], dict[int, int]] = {}  # by port and channel: the RPN or NRPN in force
        self._mpe: set[str] = set()  # ports that said so
        self._sounding: Counter[tuple[str, int]] = Counter()  # notes, by port and channel

    def hear(self, touch: Touch, t: float) -> None:
        """One message of any kind."""
        place = touch.port, touch.channel
        if touch.kind == "note":
            if touch.position > 0.0:
                self._sounding[place] += 1
            elif self._sounding[place]:
                self._sounding[place] -= 1
        elif touch.kind == "cc":
            knob = (*place, touch.number)
            self._values.setdefault(knob, deque(maxlen=KEPT)).append((touch.raw, t))
            self._halves(knob, t)
            self._select(touch)

    def kind(self, touch: Touch, known: str = "") -> str:
        """Of the controller that this message came from: fader, an encoder's encoding, or "" for what is neither, or not yet.

        An encoding that is `known` stays as long as what comes can be read by it.
        """
        knob = touch.port, touch.channel, touch.number
        if self._speaks_by_itself(touch) or knob in self._fine:
            return ""
        values = self._values.get(knob, ())
        return encoding_of([value for value, _ in values], known) or ("fader" if _is_swept(values) else "")

    def forget(self, port: str) -> None:
        """A port is gone."""
        self._mpe.discard(port)
        self._values = {knob: values for knob, values in self._values.items() if knob[0] != port}
        self._last_s = {knob: t for knob, t in self._last_s.items() if knob[0] != port}
        self._selected = {place: numbers for place, numbers in self._selected.items() if place[0] != port}
        self._sounding = Counter({place: count for place, count in self._sounding.items() if place[0] != port})

    def _halves(self, knob: Knob, t: float) -> None:
        port, channel, number = knob
        if number >= 2 * FINE:
            return
        self._last_s[knob] = t
        other = (port, channel, number + FINE if number < FINE else number - FINE)
        if number not in BANK_SELECT and t - self._last_s.get(other, -1e9) <= PAIR_S:
            self._fine.add((port, channel, max(number, other[2])))

    def _select(self, touch: Touch) -> None:
        if touch.number not in NUMBERS:
            return
        place = touch.port, touch.channel
        selected = self._selected.setdefault(place, {})
        selected[touch.number] = touch.raw
        rpn = selected.get(RPN_COARSE), selected.get(RPN_FINE)
        if rpn == (NULL, NULL):
            selected.clear()
        elif rpn == (0, MPE_ZONE):
            self._mpe.add(touch.port)

    def _speaks_by_itself(self, touch: Touch) -> bool:
        place = touch.port, touch.channel
        if touch.number >= MODES or touch.number in NUMBERS:
            return True
        if touch.number in DATA_ENTRY and self._selected.get(place):
            return True
        if touch.port in self._mpe and 1 < touch.channel < 16:
            return True
        on_many = sum(count > 0 and port == touch.port for (port, _), count in self._sounding.items()) > 1
        return touch.number == TIMBRE and self._sounding[place] > 0 and (touch.channel > 1 or on_many)


def encoding_of(values: Sequence[int], known: str = "") -> str:
    """How an endless encoder says more and less, by what it sent last (data bytes, oldest first); "" for anything else.

    It says the same again and again, or leaps from one end of its bytes to the other. Bytes that two encodings share are read by
    the commoner one until others come.
    """
    newest = values[-2 * REPEATS :]
    if len(newest) <= REPEATS or set(newest) == {ON}:
        return ""
    if known and CLICKS[known].issuperset(newest):
        return known
    repeats = sum(a == b for a, b in pairwise(newest))
    for encoding, clicks in CLICKS.items():
        if clicks.issuperset(newest):
            both = any(abs(a - b) >= LEAP for a, b in pairwise(newest))
            if repeats >= REPEATS or (both and repeats > 0):
                return encoding
    return ""


def _is_swept(values: Sequence[tuple[int, float]]) -> bool:
    """Whether a hand moved it: several values near each other, and none twice running."""
    if not values:
        return False
    run = [values[-1]]
    for value, t in reversed(list(values)[:-1]):
        if not 0 < abs(value - run[-1][0]) < LEAP or values[-1][1] - t > SWEEP_S:
            break
        run.append((value, t))
    swept = {value for value, _ in run}
    return len(swept) >= SWEPT and max(swept) - min(swept) >= SPAN
