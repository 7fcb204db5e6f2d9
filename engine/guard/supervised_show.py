"""The show's side of being watched: it beats, keeps its journal, ends when it is asked to, and takes back what it was."""

import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from engine.core import resources
from engine.core.types import Value
from engine.guard.heartbeat import ENDING, Heartbeat
from engine.guard.journal import Claim, Journal, JournalError, Saved, load_journal, state_folder
from engine.guard.launch_environment import NONE_LEFT, LaunchEnvironment

PR_SET_PDEATHSIG = 1
LET_GO = "/freeze"  # there is no picture to hold any more
CLEAN = (KeyboardInterrupt, SystemExit)  # somebody wants the end
TOLD = 3  # refusals one by one; more are counted
# Wayland lets the owner of a hidden window wait until it is seen, Windows while a window is dragged, macOS while one is
# resized: none is a hang.
PATIENT = sys.platform in ("win32", "darwin") or bool(os.environ.get("WAYLAND_DISPLAY"))
ENDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class Actions(Protocol):
    """Where actions are called; `engine.control.tree.ParamTree` is one."""

    def call(self, address: str, arguments: Sequence[object] = (), t_posted: float | None = None) -> None:
        """Raises LookupError or ValueError: nothing is then called."""


class Restorable(Protocol):
    """What is kept of an instrument; `engine.instrument.instrument.Instrument` is one."""

    @property
    def tree(self) -> Actions: ...
    @property
    def published(self) -> tuple[Path, str, dict[str, Value]] | None: ...
    def restore(self, state: Mapping[str, object]) -> list[str]: ...


class Show(Protocol):
    """What is watched; `engine.show.realtime.RealtimeShow` is one."""

    @property
    def instrument(self) -> Restorable: ...
    @property
    def kept_up(self) -> int: ...
    @property
    def waiting(self) -> bool: ...
    @property
    def messages(self) -> MutableSequence[str]: ...
    def say(self, message: str) -> None: ...
    def end(self) -> None: ...


class SupervisedShow:
    """Made as early as the process can, by its main thread, which then calls `begin` and `close`, or leaves it as a context.

    `saved` is what there is to take back, or None; whoever wires the show reads its `parts`.
    """

    def __init__(self, launch: LaunchEnvironment | None = None, resume: bool = False, safe: bool = False) -> None:
        """`orders` come from the supervisor. Without one the journal is found here: `resume` takes it back, `safe` has none."""
        self.messages: list[str] = []  # for the performer, once there is a show to tell them
        self._claim: Claim | None = None
        self.launch = launch or (LaunchEnvironment(safe=True) if safe else self._unsupervised(resume))
        self._heart = Heartbeat(self.launch.pipe) if self.launch.pipe >= 0 else None
        self._journal: Journal | None = None
        self._handlers: dict[int, Any] = {}
        self.saved: Saved | None = None
        if self._heart is not None:
            _belong_to(self.launch.parent)
        if self.launch.safe and not self.launch.why:
            self.messages.append("safe mode: the bundled patch and model, nothing of yours; what hands set is not saved")
        if self.launch.resume:
            try:
                self.saved = load_journal(Path(self.launch.resume))
            except JournalError as error:
                self.messages.append(f"{error}; started afresh")

    @property
    def parts(self) -> Mapping[str, object]:
        """What the parts of the show left, by name; whoever takes one back checks it."""
        return self.saved.parts if self.saved is not None else {}

    def begin(self, show: Show, parts: Mapping[str, Callable[[], object]] | None = None) -> None:
        """Put what was saved in force and watch from here on; before the first tick. `parts` return what JSON can hold."""
        if self.launch.why:  # the supervisor has said it on the terminal
            show.messages.append(f"{time.strftime('%H:%M:%S')} {self.launch.why}")
        for message in (*self.messages, *self._restore(show.instrument)):
            show.say(message)
        if threading.current_thread() is threading.main_thread():
            for number in ENDS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._handlers[number] = signal.signal(number, lambda *_: self._end(show))
        if self._heart is not None:
            self._heart.show(lambda: show.kept_up, lambda: PATIENT and show.waiting)
        if self.launch.journal:
            self._journal = Journal(Path(self.launch.journal), lambda: _state(show), parts or {}, show.say)
            self._journal.start()

    def __enter__(self) -> "SupervisedShow":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(clean=kind is None or issubclass(kind, CLEAN))

    def close(self, clean: bool = True) -> None:
        """The performance is over: what comes now is closing. May be called again, and without `begin`.

        One that is not `clean` has failed: it is not said to be ending, so the supervisor starts it again once it is gone.
        """
        if self._heart is not None and clean:
            self._heart.tell(ENDING)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._claim is not None:
            self._claim.close()
            self._claim = None
        self._hand_back()

    def _end(self, show: Show) -> None:
        self._hand_back()  # whoever asks a second time does not want to wait
        show.end()

    def _hand_back(self) -> None:
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)

    def _unsupervised(self, resume: bool) -> LaunchEnvironment:
        try:
            self._claim = Claim(state_folder())
        except OSError as error:
            self.messages.append(f"{error}; what hands set is not saved")
            return LaunchEnvironment()
        left = self._claim.newest() if resume else None
        if resume and left is None:
            self.messages.append(NONE_LEFT)
        return LaunchEnvironment(journal=str(self._claim.path), resume=str(left or ""))

    def _restore(self, instrument: Restorable) -> list[str]:
        if self.saved is None:
            return []
        bases = dict(self.saved.bases)
        told = ["the picture was frozen and moves again"] if bases.pop(LET_GO, None) is True else []
        refused = instrument.restore(bases)
        for address in self.saved.switched_on:
            try:
                instrument.tree.call(address, (True,))
            except (LookupError, ValueError) as error:
                refused.append(str(error))
        told += refused[:TOLD]
        if len(refused) > TOLD:
            told.append(f"{len(refused) - TOLD} more parameters could not be taken back")
        return told


def _state(show: Show) -> dict[str, object] | None:
    """Of one very tick, as the analysis thread published it; None before the first."""
    published = show.instrument.published
    if published is None:
        return None
    patch, model, bases = published
    on_shelf = False
    with suppress(OSError):
        on_shelf = resources.find("patches", patch.name).samefile(patch)
    name = patch.stem if on_shelf else str(patch.absolute())
    return {"patch": name, "model": model, "bases": bases}


def _belong_to(parent: int) -> None:
    """Die with the supervisor, print where a crash happened, and never be stopped for writing to a terminal."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    if hasattr(signal, "SIGTTOU"):
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with suppress(ValueError, OSError):  # no standard error
        faulthandler.enable(all_threads=False)
