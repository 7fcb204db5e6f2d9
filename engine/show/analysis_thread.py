"""The analysis thread: reads the source hop by hop and hands each tick on. It never waits for a picture."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.audio import AudioHop, Source
from engine.core.slots import LocalSlot
from engine.core.types import Call, FloatArray, GeneratorInfo, Tick
from engine.instrument.instrument import RATE_HZ, Instrument
from engine.instrument.show_params import PANIC

log = logging.getLogger("clavilux.analysis")
READ_S = 0.1
MOST_CALLS = 256  # that wait for a thread that draws and is held up
TOUCHED = 0.3  # of the usual time between two latents, after a hand's change: soon, but a flood must not fill the processor


class AnalysisThread:
    """Plays `source` through the instrument on a thread of its own until `close`.

    `ticks` holds the newest tick. `switch` and the read-only figures may be used from any thread.
    """

    def __init__(self, instrument: Instrument, source: Source, send: Callable[[Tick], None]) -> None:
        self.ticks = LocalSlot[Tick]()
        self.stirred = threading.Event()  # a tick that is worth an early picture: whoever draws clears it
        self.source = source
        self.ended = False  # the source came to its end
        self.faults = 0  # hops that failed
        self.calls: deque[Call] = deque()  # of actions, in order, for the thread that draws
        self.calls_lost = 0  # that came while MOST_CALLS waited
        self.panics = 0  # so far
        self.last_heard: dict[str, float] = {}  # event kind -> time.monotonic() of the newest
        self.send, self.send_every_s, self._sent_s = send, 0.0, 0.0
        self.followers: list[Callable[[Tick], None]] = []  # called with every tick, in this thread: quick, and never waiting
        self.model_refused = ""  # why the model last asked for does not play; whoever asked clears it
        self.on_sound: Callable[[FloatArray, float], None] | None = None  # called with each hop, (n, 2), and when it began
        self._instrument = instrument
        self._sources, self._models = LocalSlot[Source](), LocalSlot[tuple[GeneratorInfo, Callable[[Tick], None]]]()
        self._taken = [0, 0]  # numbers of the newest source and model that were taken
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def switch(self, source: Source) -> None:
        """Listen to another source from the next hop; the old one stays open, unread."""
        self._sources.put(source)

    def change_model(self, model: GeneratorInfo, send: Callable[[Tick], None]) -> None:
        """Make ticks for another model and hand them to `send`, from the next hop."""
        self._models.put((model, send))

    def close(self) -> None:
        """Stop listening and close the source."""
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join(5.0)
        self.source.close()

    def _run(self) -> None:
        complained_s = 0.0
        while not self._stopping:
            try:
                self._change()
                hop = self.source.read(READ_S)
                if hop is not None:
                    self._hear(hop)
                elif self.source.ended:
                    self.ended = True
                    time.sleep(READ_S)
            except Exception:  # one bad hop must not end the show; it is counted and told at most once a second
                self.faults += 1
                if time.monotonic() - complained_s > 1.0:
                    complained_s = time.monotonic()
                    log.exception("expected a tick from a hop; kept the last tick (%d so far)", self.faults)

    def _change(self) -> None:
        """Take the source and the model that were asked for since the last hop."""
        if (source := self._sources.newer(self._taken[0])) is not None:
            self._taken[0], self.source = source
            self.ended = False
            self._instrument.listen_to(self.source.inputs)
        if (model := self._models.newer(self._taken[1])) is not None:
            self._taken[1], (info, send) = model
            try:
                self._instrument.change_model(info)
                self.send = send
            except (OSError, ValueError) as error:  # the playing patch names a class that it lacks
                self.model_refused = str(error)

    def _hear(self, hop: AudioHop) -> None:
        tick = self._instrument.hear(hop.hops, hop.t_heard)
        self.ticks.put(tick)
        for call in tick.calls:
            if len(self.calls) < MOST_CALLS:
                self.calls.append(call)
            else:
                self.calls_lost += 1
        if tick.features.events or tick.changes or tick.calls:
            self.stirred.set()
        # More network frames than the display can show would only take the processor from the drawing; a hit never waits.
        due_s = self._sent_s + self.send_every_s * (TOUCHED if tick.changes else 1.0)
        if tick.features.events or hop.t_heard >= due_s:
            self._sent_s = hop.t_heard
            self.send(tick)
        self.panics += sum(change.address == PANIC for change in tick.changes)
        for event in tick.features.events:
            self.last_heard[event.kind] = hop.t_heard
        for follow in self.followers:
            follow(tick)
        if self.on_sound is not None:
            self.on_sound(hop.stereo, hop.t_heard - len(hop.stereo) / RATE_HZ)
