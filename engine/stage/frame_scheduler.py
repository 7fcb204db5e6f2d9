"""When the next picture is drawn: at a steady rate, and sooner in answer to a hit or a hand. Pure: the caller has the clock."""

SOONEST = 0.5  # of a period after the picture before
SPARE, SPARE_A_S = 4.0, 6.0  # answers saved up at most, and earned a second: a flood must not double the rate


class FrameScheduler:
    """`due_s` is when the next picture is to begin. Times are in seconds on any one clock."""

    def __init__(self, rate_hz: float, now_s: float) -> None:
        self.period_s = 1.0 / rate_hz
        self.due_s = self._began_s = self._earned_s = now_s
        self._spare = SPARE

    def begin(self, now_s: float) -> None:
        """A picture begins: the next is due a period after this one was; after a stall it goes on from here, without a burst."""
        self.due_s = (self.due_s if now_s - self.due_s < self.period_s else now_s) + self.period_s
        self._began_s = now_s
        self._spare = min(SPARE, self._spare + (now_s - self._earned_s) * SPARE_A_S)
        self._earned_s = now_s

    def hasten(self) -> bool:
        """Something was heard or touched: make the next picture due as soon as may be. False if the answers are used up."""
        soonest_s = self._began_s + SOONEST * self.period_s
        if self._spare < 1.0 or soonest_s >= self.due_s:
            return False
        self._spare -= 1.0
        self.due_s = soonest_s
        return True
