"""The outputs of one show: what is drawn is read back once, and every sink is fed with it."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from engine.core.types import ByteArray, FloatArray
from engine.outputs.sink import Sink
from engine.show.background_task import BackgroundTask
from engine.stage.readback import Readback

RETRY_S = 2.0  # for outputs that are waited for
CLOSE_S = 30.0  # for the sinks of a show in real time to write what waits: beyond it, one hangs
FAULTS_SHOWN = 4


class OutputSet:
    """All open sinks. Belongs to the thread that draws, which calls `take` after every picture; `sound` is the one exception.

    `paced`: in real time, where nothing waits for a sink; else no sink drops anything. A sink that ends by itself is told
    about once and left out from then on.
    """

    def __init__(
        self,
        context: Any,
        size: tuple[int, int],
        rate_hz: float,
        sound_rate_hz: int,
        paced: bool,
        say: Callable[[str], None],
    ) -> None:
        self._context, self._size, self._rate_hz, self._sound_rate_hz = context, size, rate_hz, sound_rate_hz
        self._paced, self._say = paced, say
        self._sinks: tuple[Sink, ...] = ()  # replaced as a whole: other threads read it
        self._closing: list[Sink] = []
        self._numbers: dict[Sink, int] = {}  # in the order in which they came
        self._count = 0
        self._faulty: tuple[Sink, ...] = ()
        self._awaited: dict[Sink, BackgroundTask[bool]] = {}  # each is tried for beside the show
        self._retry_s = 0.0
        self._readback: Readback | None = None
        self._pushed_s = 0.0

    def __len__(self) -> int:
        """How many are open."""
        return len(self._sinks)

    def add(self, sink: Sink) -> None:
        """Open `sink` and feed it from now on. Raises OSError or ValueError if it cannot be had."""
        self._prepare(sink)
        self._begin(sink)

    def add_again(self, sink: Sink) -> None:
        """The same after a crash: what was written before stays, and what cannot be had yet is tried again until it can."""
        try:
            sink.restarted()
            self._prepare(sink)
        except Exception as error:
            self._say(f"{error}; kept playing without it")
            self._awaited[sink] = BackgroundTask(f"await {sink.title}", lambda _: None)  # it was told
        else:
            self._begin(sink)

    def remove(self, sink: Sink) -> None:
        """Let `sink` write what waits and end, beside the show."""
        if sink in self._sinks:
            self._sinks = tuple(other for other in self._sinks if other is not sink)
            self._closing.append(sink)
            sink.close(wait=False)

    def take(self, framebuffer: Any, t_s: float) -> None:
        """Read the picture of the moment `t_s` back from `framebuffer`; the sinks get the one before."""
        self._follow()
        wanted = any(sink.watched() for sink in self._sinks)
        if self._readback is None:
            if not wanted:
                return
            self._readback = Readback(self._context, self._size)
        self._feed(self._readback.push(framebuffer) if wanted else self._readback.last())
        self._pushed_s = t_s

    def sound(self, stereo: FloatArray, t_s: float) -> None:
        """Hand every sink sound, (n, 2), that began at `t_s` on the pictures' clock. For the thread that listens."""
        sinks = [sink for sink in self._sinks if sink.takes_sound]
        if sinks:
            kept = np.array(stereo, np.float32)
            for sink in sinks:
                sink.sound(kept, t_s)

    def resize(self, size: tuple[int, int]) -> None:
        """Pictures have another size from the next one on."""
        if size == self._size:
            return
        self._let_go()
        self._size = size
        for sink in self._sinks:
            sink.resize(size)

    def close(self) -> None:
        """Let all write what waits, and end. A film waits for as long as it takes; a show in real time has an end."""
        self._let_go()
        awaited, self._awaited = self._awaited, {}
        for sink, task in awaited.items():
            if task.take():
                _give_back(sink)
        for sink in self._sinks:
            self.remove(sink)
        until_s = time.monotonic() + CLOSE_S
        for sink in self._closing:
            if not sink.wait_closed(max(until_s - time.monotonic(), 0.0) if self._paced else None):
                self._say(f"expected output {sink.title} to end within {CLOSE_S:.0f} s; left it")
        self._follow()

    def figures(self) -> dict[str, float | str]:
        """What the status says of them, by name; any thread. One that ended by a fault stays in it."""
        told: dict[str, float | str] = {}
        for sink in (*self._faulty, *self._sinks):
            status, name = sink.status(), f"output_{self._numbers.get(sink, 0)}"
            told |= {name: status.title, f"{name}_state": status.state}
            told |= {f"{name}_pictures": status.pictures, f"{name}_dropped": status.dropped}
        return told

    def _feed(self, picture: ByteArray | None) -> None:
        if picture is not None:
            for sink in self._sinks:
                sink.picture(picture, self._pushed_s)

    def _let_go(self) -> None:
        """Hand out the picture that is being read, and give the buffers back."""
        if self._readback is not None:
            self._feed(self._readback.last())
            self._readback.release()
            self._readback = None

    def _follow(self) -> None:
        """Say what sinks have to tell, leave out those that ended, and try for those that are waited for."""
        for sink in (*self._sinks, *self._closing):
            ended = sink.ended  # before its messages: the last of them is there by then
            for message in sink.messages():
                self._say(message)
            if ended:
                self._forget(sink)
        if self._readback is not None and not self._sinks:
            self._let_go()
        for sink in [sink for sink, task in self._awaited.items() if task.take()]:
            del self._awaited[sink]
            self._begin(sink)
            if sink.format.size != self._size:  # it has changed meanwhile
                sink.resize(self._size)
        if self._awaited and time.monotonic() - self._retry_s > RETRY_S:
            self._retry_s = time.monotonic()
            for sink, task in self._awaited.items():
                if task.idle:
                    task.ask(partial(self._try_again, sink))

    def _forget(self, sink: Sink) -> None:
        self._sinks = tuple(other for other in self._sinks if other is not sink)
        self._closing = [other for other in self._closing if other is not sink]
        status = sink.status()
        if status.message:
            self._faulty = (*self._faulty, sink)[-FAULTS_SHOWN:]
        known = (*self._faulty, *self._closing, *self._sinks)
        self._numbers = {sink: number for sink, number in self._numbers.items() if sink in known}
        if status.message:
            return
        lost = f"; {status.lost_s:.1f} s of sound lost" if status.lost_s else ""
        self._say(f"{status.title}: {status.pictures} pictures, {status.dropped} dropped{lost}")

    def _prepare(self, sink: Sink) -> None:
        sink.prepare(self._size, self._rate_hz, self._sound_rate_hz, self._paced)

    def _begin(self, sink: Sink) -> None:
        """Feed one that is prepared."""
        sink.start()
        self._count += 1
        self._numbers[sink] = self._count
        self._sinks = (*self._sinks, sink)
        self._say(sink.announced())

    def _try_again(self, sink: Sink) -> bool:
        """Whether `sink` could be had; may take its time, on a thread of its own."""
        try:
            sink.restarted()
            self._prepare(sink)
        except Exception:
            return False
        if sink not in self._awaited:  # the show has ended meanwhile
            _give_back(sink)
        return True


def _give_back(sink: Sink) -> None:
    """Let go of what one holds that never began."""
    with contextlib.suppress(Exception):
        sink.release()
