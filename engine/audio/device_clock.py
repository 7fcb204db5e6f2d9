"""When a block of sound is heard: the device's clock, which may be the time of day, beside time.monotonic()."""

import math

HINDSIGHT_S = 1.0  # the clocks are compared over one to two of these: a step of the time of day is forgotten after two
LATENCY_S = 1.0  # more than that between a callback and its sound is no account to go by


class DeviceClock:
    """Compares the clocks by the quickest of the latest callbacks, since most come late: Python was busy elsewhere."""

    def __init__(self) -> None:
        self._behind_s = self._before_s = math.inf  # of the device's clock behind ours: this second's least, the last one's
        self._since_s = -math.inf

    def heard_at(self, now_s: float, called_s: float, heard_s: float) -> float:
        """When what is asked for at `now_s` is heard; that is `heard_s` on the device's clock, and now is `called_s`.

        For a host that gives no times, now.
        """
        if called_s <= 0.0 or not 0.0 <= heard_s - called_s < LATENCY_S:
            return now_s
        if now_s - self._since_s >= HINDSIGHT_S:
            self._before_s = self._behind_s if now_s - self._since_s < 2.0 * HINDSIGHT_S else math.inf
            self._behind_s, self._since_s = math.inf, now_s
        self._behind_s = min(self._behind_s, now_s - called_s)
        return heard_s + min(self._behind_s, self._before_s)
