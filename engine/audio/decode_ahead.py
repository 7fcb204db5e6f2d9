"""Makes hops ahead of the moment at which they are heard: a file that is slow to be read holds up nobody."""

import logging
from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread

import numpy as np

from engine.core.types import FloatArray

log = logging.getLogger("clavilux.sources")
AHEAD_S = 1.0  # of hops: a disk that wakes up, a share that is busy
PATIENCE_S = 0.05  # for a hop that is not made yet; the device plays what it has meanwhile
CLOSE_S = 1.0


class DecodeAhead:
    """Iterates over `hops`, each (hop, 2), which a thread of its own makes; over `silence` while they come late.

    `late` says that they do: the disk or the network share does not answer. Whatever else goes wrong with `hops`, it is silence
    from then on, and no end. One thread iterates; `late` and `close` are for any.
    """

    def __init__(self, hops: Iterator[FloatArray], rate_hz: int, hop: int) -> None:
        self.late = False
        self.silence = np.zeros((hop, 2), np.float32)  # the same each time, so never written to
        self.silence.flags.writeable = False
        self._hops = hops
        self._made: Queue[FloatArray | None] = Queue(max(1, round(AHEAD_S * rate_hz / hop)))  # None: the end
        self._ended, self._closed = False, Event()
        self._thread = Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    def __iter__(self) -> "DecodeAhead":
        return self

    def __next__(self) -> FloatArray:
        if self._ended:
            raise StopIteration
        try:
            block = self._made.get(block=not self.late, timeout=PATIENCE_S)
        except Empty:
            self.late = True
            return self.silence
        self.late = False
        if block is None:
            self._ended = True
            raise StopIteration
        return block

    def close(self) -> bool:
        """Stop; whether its thread has ended, which one that is held up in a read has not."""
        self._closed.set()
        self._thread.join(CLOSE_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for block in self._hops:
                if not self._hand_on(block):
                    return
            self._hand_on(None)
        except Exception:  # its maker has an answer to whatever can be foreseen
            log.exception("expected more sound; kept silence")

    def _hand_on(self, block: FloatArray | None) -> bool:
        while not self._closed.is_set():
            try:
                self._made.put(block, timeout=0.1)
            except Full:
                continue
            return True
        return False
