"""What an output is: a sink for the show's pictures and sound, with a bounded queue and a thread of its own.

To add one, write a module of this folder that bears its name, with one class:

    @register("sink", "strip")
    class StripSink(Sink):
        example = "10.0.0.7"

        @classmethod
        def from_target(cls, target): ...   # what stands after `strip:` in --output strip:TARGET; ValueError if it is none
        def write_picture(self, rgba, t_s): ...

and override what else it needs of the hooks below. Hooks run in the sink's own thread, one after the other, and may take
their time and raise what they like: the show and the other sinks go on. `restarted`, `acquire`, `announcement` and
`wants_pictures` alone run in the caller's. Of the methods, the thread that draws calls `picture` and `resize`, the one that
listens `sound`, any `status`.
"""

# ruff: noqa: B027 what a sink does not need of the hooks does nothing

import contextlib
import logging
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from engine.core.registry import PackageError, lookup, names
from engine.core.types import ByteArray, FloatArray
from engine.outputs.filenames import FILM_ENDINGS, is_film

log = logging.getLogger("clavilux.outputs")
SOUND_WAITING_S = 10.0
NICENESS = 5  # of a sink's thread beside a show in real time


@dataclass(frozen=True, slots=True)
class SinkFormat:
    """What a sink is given: pictures of `size`, width and height, `rate_hz` times a second at most, and stereo sound.

    `paced` says that they come in real time. `sound_rate_hz` 0: without sound.
    """

    size: tuple[int, int]
    rate_hz: float
    sound_rate_hz: int
    paced: bool


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """`state` is new, open, closing, closed, or says what ended it; `message` is empty or made for the operator."""

    title: str
    state: str
    pictures: int  # written
    dropped: int  # that found no room
    lost_s: float  # sound that found none
    message: str


class _Picture(NamedTuple):
    rgba: ByteArray
    t_s: float


class _Sound(NamedTuple):
    stereo: FloatArray
    t_s: float


class _Size(NamedTuple):
    size: tuple[int, int]


class Sink(ABC):
    """One output. Pictures and sound are kept, not copied, and shared with other sinks: nobody may change them.

    In real time (`paced`) a picture that finds the queue full is dropped and counted, never waited for. Otherwise the call
    waits, and nothing is ever dropped. A sink that has ended takes everything and does nothing.
    """

    example: ClassVar[str] = ""  # a target, as the help of --output shows it
    pictures_waiting: ClassVar[int] = 8  # room in the queue
    keeps_newest: ClassVar[bool] = False  # in a full queue the oldest picture gives way: for what is watched as it happens
    takes_sound: ClassVar[bool] = False

    def __init__(self, title: str) -> None:
        self.title = title  # by which the performer knows it
        self.format = SinkFormat((0, 0), 0.0, 0, True)
        self._state, self._message = "new", ""
        self._pictures = self._dropped = self._lost = 0  # `_lost` in samples of one channel
        self._waiting: deque[_Picture | _Sound | _Size] = deque()
        self._pictures_waiting = self._sound_waiting = 0
        self._change = threading.Condition()
        self._broken: Exception | None = None  # what a hook raised in another thread than ours
        self._notes: deque[str] = deque()
        self._thread = threading.Thread(target=self._run, name=f"output {title}", daemon=True)

    # --- hooks ---------------------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def from_target(cls, target: str) -> Self:
        """A sink, not yet open, from the text after its name. Opens nothing. Raises ValueError for what is no target."""

    def announcement(self) -> str:
        """What the performer is told when it is open."""
        return f"output {self.title}"

    def restarted(self) -> None:
        """The show comes back after a crash: before `open`, make sure that nothing written before is written over."""

    def acquire(self) -> None:
        """Take hold of what `format` needs, a file or a port: quickly, in the thread of `open`. Raises OSError or ValueError."""

    def wants_pictures(self) -> bool:
        """Whether anybody looks: without, nothing is read back for it. Any thread; quick."""
        return True

    def begin(self) -> None:
        """Set up what may take its time."""

    @abstractmethod
    def write_picture(self, rgba: ByteArray, t_s: float) -> None:
        """One picture, (H, W, 4) sRGB, top row first, read-only, rows not always in order in memory; not to be kept."""

    def write_sound(self, stereo: FloatArray, t_s: float) -> None:
        """Sound, (n, 2) in -1..1, that began at `t_s`. For sinks that say `takes_sound`."""

    def change_size(self, size: tuple[int, int]) -> None:
        """Pictures have another size from now on."""

    def finish(self) -> None:
        """Everything was written, and no more will come."""

    def release(self) -> None:
        """Let go of everything, however it ended; called once, last."""

    def fault(self, error: Exception) -> tuple[str, str]:
        """The state that an error of a hook leaves, and the message for the operator."""
        log.info("%s", self.title, exc_info=error)
        why = str(error) or type(error).__name__
        return "failed", f"expected output {self.title} to go on; got {why}; kept everything else"

    def say(self, message: str) -> None:
        """Tell the performer. For hooks."""
        self._notes.append(message)

    # --- for the show --------------------------------------------------------------------------------------------------

    def open(self, size: tuple[int, int], rate_hz: float, sound_rate_hz: int, paced: bool) -> None:
        """Begin. Raises OSError or ValueError if it cannot be had; after that, all trouble is in `status` only."""
        self.prepare(size, rate_hz, sound_rate_hz, paced)
        self.start()

    def prepare(self, size: tuple[int, int], rate_hz: float, sound_rate_hz: int, paced: bool) -> None:
        """The part of `open` that may wait, for a name to be looked up: any thread. Raises OSError or ValueError."""
        self.format = SinkFormat(size, rate_hz, sound_rate_hz if self.takes_sound else 0, paced)
        try:
            self.acquire()
        except (OSError, ValueError):
            raise
        except Exception as error:
            raise OSError(f"expected output {self.title} to open; got {type(error).__name__}: {error}") from error

    def start(self) -> None:
        """The rest of `open`."""
        self._state = "open"
        self._thread.start()

    def announced(self) -> str:
        """What its announcement says; one that raises ends the sink by a fault."""
        try:
            return self.announcement()
        except Exception as error:
            self._break(error)
            return f"output {self.title}"

    def watched(self) -> bool:
        """Whether it wants pictures; a hook that raises ends the sink by a fault."""
        try:
            return self._broken is None and self.wants_pictures()
        except Exception as error:
            self._break(error)
            return False

    def picture(self, rgba: ByteArray, t_s: float) -> None:
        """Take one picture, (H, W, 4) sRGB, top row first, of time `t_s` in seconds.

        Times lie on one clock with the sound's and may start anywhere.
        """
        if not self.watched():
            return
        with self._change:
            if not self._room(lambda: self._pictures_waiting < self.pictures_waiting):
                if self._state != "open":
                    return
                self._dropped += 1
                if not self.keeps_newest:
                    return
                del self._waiting[next(place for place, item in enumerate(self._waiting) if isinstance(item, _Picture))]
                self._pictures_waiting -= 1
            self._pictures_waiting += 1
            self._put(_Picture(rgba, t_s))

    def sound(self, stereo: FloatArray, t_s: float) -> None:
        """Take sound, (n, 2) in -1..1, that began at `t_s`."""
        rate_hz = self.format.sound_rate_hz
        if rate_hz == 0:
            return
        with self._change:
            if self._room(lambda: self._sound_waiting < SOUND_WAITING_S * rate_hz):
                self._sound_waiting += len(stereo)
                self._put(_Sound(stereo, t_s))
            elif self._state == "open":
                self._lost += len(stereo)

    def resize(self, size: tuple[int, int]) -> None:
        """Pictures that come from now on have another size."""
        with self._change:
            self._put(_Size(size))

    def status(self) -> SinkStatus:
        """How it stands. Any thread."""
        lost_s = self._lost / max(self.format.sound_rate_hz, 1)
        return SinkStatus(self.title, self._state, self._pictures, self._dropped, lost_s, self._message)

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, by itself or by `close`, and has nothing left to do."""
        return self._state not in ("new", "open", "closing")

    def messages(self) -> list[str]:
        """What it has to tell the performer, once."""
        return [self._notes.popleft() for _ in range(len(self._notes))]

    def close(self, wait: bool = True) -> None:
        """Write what waits and end; with `wait` false the sink's thread does so by itself."""
        with self._change:
            if self._state == "open":
                self._state = "closing"
            self._change.notify_all()
        if wait:
            self.wait_closed()

    def wait_closed(self, limit_s: float | None = None) -> bool:
        """Wait until it has ended, for `limit_s` at most; whether it has."""
        if self._state != "new":
            self._thread.join(limit_s)
        return self.ended

    # --- the queue -----------------------------------------------------------------------------------------------------

    def _room(self, ready: Callable[[], bool]) -> bool:
        if not self.format.paced:
            self._change.wait_for(lambda: ready() or self._state != "open")
        return self._state == "open" and ready()

    def _put(self, item: _Picture | _Sound | _Size) -> None:
        self._waiting.append(item)
        self._change.notify_all()

    def _break(self, error: Exception) -> None:
        """Have our thread end by the fault of a hook that ran in another."""
        with self._change:
            self._broken = self._broken or error
            self._change.notify_all()

    def _run(self) -> None:
        if self.format.paced and sys.platform == "linux":  # there, niceness is a thread's own, and its children's
            thread = threading.get_native_id()
            with contextlib.suppress(OSError):  # nobody but root may become less nice
                if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
                    os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
        state, message = "closed", ""
        for step in (self._write_all, self.release):
            try:
                step()
            except BaseException as error:  # SystemExit too: a thread that ends unseen leaves a film waiting for ever
                if state == "closed":
                    state, message = self._told(error)
        with self._change:
            if message:
                self._notes.append(message)
            self._state, self._message = state, message
            self._waiting.clear()
            self._change.notify_all()

    def _told(self, error: BaseException) -> tuple[str, str]:
        """What `fault` says, which may fail as any hook."""
        what = type(error).__name__
        try:
            state, message = self.fault(error if isinstance(error, Exception) else RuntimeError(f"{what} {error}"))
        except BaseException:
            return "failed", f"expected output {self.title} to go on; got {what}; kept everything else"
        return state, message

    def _write_all(self) -> None:
        self.begin()
        while self._write_next():
            pass
        self.finish()

    def _write_next(self) -> bool:
        """Wait for the next item and write it; False when the last one was."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._state != "open" or self._broken)
            if self._broken is not None:
                raise self._broken
            if not self._waiting:
                return False
            item = self._waiting.popleft()
            if isinstance(item, _Picture):
                self._pictures_waiting -= 1
            elif isinstance(item, _Sound):
                self._sound_waiting -= len(item.stereo)
            self._change.notify_all()
        if isinstance(item, _Picture):
            self.write_picture(item.rgba, item.t_s)
            self._pictures += 1
        elif isinstance(item, _Sound):
            self.write_sound(item.stereo, item.t_s)
        else:
            self.change_size(item.size)
        return True


def make_sink(text: str) -> Sink:
    """The sink that `--output` asks for, not yet open: NAME:TARGET, or a film's path. Raises ValueError for anything else."""
    name, _, target = text.partition(":")
    if is_film(Path(text)) and (name == text or len(name) == 1):  # C:\show.mp4 is a path too
        name, target = "film", text
    try:
        sink: type[Sink] = lookup("sink", name)
    except PackageError as error:
        raise ValueError(f"{error}; from --output {text!r}") from None
    except LookupError:
        known = f"one of {', '.join(names('sink'))}, or a path ending in {', '.join(FILM_ENDINGS)}"
        raise ValueError(f"expected an output NAME:TARGET, {known}; got {text!r} from --output") from None
    return sink.from_target(target)
