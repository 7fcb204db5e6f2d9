"""Endless encoders: how far a data byte turns one, and how to tell one from a knob that has an end. Pure."""

from collections.abc import Sequence
from itertools import pairwise

STEP = 1.0 / 128.0  # of the whole range, for one click
FASTEST = 8  # clicks that one message may bring, however hard an encoder accelerates
RESTS = {"offset": 64, "offset16": 16}  # what "no click" is, where it is not 0
KNOWN = ("offset16", "offset", "sign", "complement")  # that can be told from what comes; 127 and 0 are buttons as well
FARTHEST = 10  # clicks of one message, by which an encoder is known
EACH, REPEATS = 2, 2  # messages of each direction, and messages that say what the one before said: they make an encoder


def turn(value: int, encoding: str) -> float:
    """How far an endless encoder was turned, in positions of 0..1, from its data byte.

    complement: 1 2 3 is more, 127 126 125 less. sign: 1 2 3 is more, 65 66 67 less. offset: 65 66 67 is more, 63 62 61 less.
    offset16: 17 18 19 is more, 15 14 13 less. ends: 127 is one click more, 0 one less.
    """
    return max(-FASTEST, min(FASTEST, _clicks(value, encoding))) * STEP


def recognise(values: Sequence[int]) -> str | None:
    """The encoding of a control that sent `values`, oldest first; None while it may be no encoder.

    An encoder says the same small number of clicks again and again, in both directions, where a knob would have to pass all that
    lies between. Some say that they rest after every click.
    """
    for encoding in KNOWN:
        clicks = [_clicks(value, encoding) for value in values]
        rests = [click == 0 for click in clicks]
        if any(rests):
            if any(now == then for now, then in pairwise(rests)):
                continue
            clicks = [click for click in clicks if click]
        more, less = sum(click > 0 for click in clicks), sum(click < 0 for click in clicks)
        if min(more, less) < EACH or max(map(abs, clicks)) > FARTHEST:
            continue
        if sum(now == then for now, then in pairwise(clicks)) >= REPEATS:
            return encoding
    return None


def _clicks(value: int, encoding: str) -> int:
    if encoding == "ends":
        return (value == 127) - (value == 0)
    if encoding in RESTS:
        return value - RESTS[encoding]
    if encoding == "sign":
        return 64 - value if value & 64 else value
    return value - 128 if value & 64 else value
