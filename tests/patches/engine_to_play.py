"""A real engine for hosts to play: instrument, OSC receiver and feed, without pictures."""

import threading
import time
from collections.abc import Callable

from engine.audio.synthetic import SyntheticSource
from engine.core import resources
from engine.core.types import Value
from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.remote.osc.feed import Feed
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.subscriptions import Subscriptions
from engine.remote.osc.udp_server import OscServer
from engine.runtime.card import load_card

PALETTE = ((1.0, 0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.5, 0.5), (0.0, 0.0, 0.0))


def until(condition: Callable[[], object], what: str, limit_s: float = 30.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"expected {what} within {limit_s:g} s")
        time.sleep(0.01)


class Engine:
    """Hears the synthetic song in real time, obeys its receiver and tells its subscribers."""

    def __init__(self, port: int = 0) -> None:
        card = load_card(resources.find("models", "light"), verify=False)
        self.instrument = Instrument(find_patch("first-light"), card.info(""))
        self.tree = self.instrument.tree
        self.refused: list[str] = []
        self.came: dict[str, Value] = {}  # address -> newest value that a hand set, or first argument of an action that it called
        self.receiver = Receiver(self.tree, say=self.refused.append)
        self.server = OscServer(self.receiver, "127.0.0.1", port)
        self.feed = Feed(
            Subscriptions(), send=self.server.send, colours=lambda: PALETTE, status=lambda: {"fps": 60.0, "patch": "first-light"}
        )
        for name in ("subscribe", "unsubscribe"):
            self.receiver.handlers[f"/{name}"] = getattr(self.feed, name)
        self._source = SyntheticSource(RATE_HZ, HOP, paced=True, seed=0)
        self._thread = threading.Thread(target=self._play)
        self.feed.start()
        self._thread.start()

    @property
    def port(self) -> int:
        return self.server.port

    def close(self) -> None:
        self._source.close()
        self._thread.join()
        self.feed.close()
        self.server.close()

    def _play(self) -> None:
        while (hop := self._source.read(10.0)) is not None:
            tick = self.instrument.hear(hop.hops, hop.t_heard)
            self.came.update({change.address: change.value for change in tick.changes})
            self.came.update({call.address: call.arguments[0] for call in tick.calls if call.arguments})
            self.feed.follow(tick)
