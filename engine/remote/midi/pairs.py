"""Controllers of 14 bits: two messages, a coarse and a fine half, make one position. Pure."""

from engine.remote.midi.controls import PAIR_S, Knob

ENDS = {0: 0.0, 127: 1.0}  # of the way, which a coarse half that comes alone reaches
NEVER_S = -1e9


class Pair:
    """Both halves of one controller, as far as they came, and which of them leads."""

    __slots__ = ("came_s", "halves", "leads", "since_s")

    def __init__(self) -> None:
        self.halves: list[int | None] = [None, None]  # coarse, fine
        self.came_s = [NEVER_S, NEVER_S]  # time.monotonic() of each half
        self.leads: bool | None = None  # of halves that come together the first: False coarse, True fine
        self.since_s: float | None = None  # when the half came that waits for the other

    def together(self) -> float:
        """0..1 of both halves; of the only one where the other never came."""
        coarse, fine = self.halves
        if coarse is None or fine is None:
            return (coarse or fine or 0) / 127.0
        return (coarse << 7 | fine) / 16383.0

    def alone(self, fine: bool) -> float:
        """0..1 where one half came and the other does not follow."""
        coarse = self.halves[False]
        return self.together() if fine or coarse is None else ENDS.get(coarse, self.together())


class Pairs:
    """Positions of 14 bits from halves in either order.

    A half moves its control at once. Only that which leads, where a sender's halves come together, waits up to 4 ms for the
    other: no value in between is then seen. A sender of coarse halves alone has the whole way, from 0 as 0.0 to 127 as 1.0.
    """

    def __init__(self) -> None:
        self._pairs: dict[Knob, Pair] = {}
        self._open: set[Knob] = set()  # of which a half waits

    def take(self, knob: Knob, fine: bool, value: int, t: float) -> float | None:
        """One half for `knob`, named by its coarse controller: the position 0..1, or None while it waits for the other."""
        pair = self._pairs.get(knob)
        if pair is None:
            pair = self._pairs[knob] = Pair()
        new = pair.halves[fine] is None
        follows = 0.0 <= t - pair.came_s[not fine] <= PAIR_S
        pair.halves[fine], pair.came_s[fine] = value, t
        if pair.leads is None and follows:
            pair.leads = not fine
        # A first fine half says nothing without the coarse one, which may be on its way.
        if pair.leads is fine or (pair.leads is None and fine and new and pair.halves[False] is None):
            repeated, pair.since_s = pair.since_s is not None, t
            self._open.add(knob)
            return pair.alone(fine) if repeated else None
        pair.since_s = None
        self._open.discard(knob)
        return pair.alone(fine) if pair.leads is None else pair.together()

    def due(self, t: float) -> list[tuple[Knob, float]]:
        """What has waited in vain for its other half."""
        found: list[tuple[Knob, float]] = []
        for knob in list(self._open):
            pair = self._pairs[knob]
            if pair.since_s is not None and t - pair.since_s > PAIR_S:
                self._open.discard(knob)
                found.append((knob, _late(pair)))
        return found

    @property
    def waiting(self) -> bool:
        """Whether `due` may have something to give."""
        return bool(self._open)

    def forget(self, port: str) -> None:
        """A port is gone."""
        self._pairs = {knob: pair for knob, pair in self._pairs.items() if knob[0] != port}
        self._open = {knob for knob in self._open if knob[0] != port}


def _late(pair: Pair) -> float:
    """The position where a half stayed alone; one that came right after the other follows it, and never led."""
    fine, since_s = pair.leads is not False, pair.since_s or 0.0
    pair.since_s = None
    if pair.leads is not None and 0.0 <= since_s - pair.came_s[not fine] <= PAIR_S:
        pair.leads = not fine
        return pair.together()
    return pair.alone(fine)
