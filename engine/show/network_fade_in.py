"""The network fades into a show in real time: on a bar, over the look that moved before it."""

from collections.abc import Mapping
from dataclasses import replace

from engine.core.types import Tick, Value

FADE_S = 2.0
PATIENCE_S = 2.5  # without a bar to enter on, it enters all the same


class NetworkFadeIn:
    """How present the network is. Step it once a display frame."""

    def __init__(self) -> None:
        self._ready_s: float | None = None  # when the first picture was there
        self._began_s: float | None = None

    def step(self, tick: Tick, ready: bool, time_s: float) -> Tick:
        """`tick` with /stage/network held back until the fade is over; `ready` once the network has drawn."""
        if self._began_s is not None and time_s - self._began_s >= FADE_S:
            return tick
        if ready and self._ready_s is None:
            self._ready_s = time_s
        if self._ready_s is not None and self._began_s is None:
            bar = any(event.kind == "bar" for event in tick.features.events) or tick.features.values.get("bar_phase", 1.0) < 0.03
            if (bar and tick.features.values.get("tempo_confidence", 0.0) > 0.0) or time_s - self._ready_s >= PATIENCE_S:
                self._began_s = time_s
        share = 0.0 if self._began_s is None else (time_s - self._began_s) / FADE_S
        network = float(tick.params["/stage/network"]) * share * share * (3 - 2 * share)  # type: ignore[arg-type]
        params: Mapping[str, Value] = {**tick.params, "/stage/network": network}
        return replace(tick, params=params)
