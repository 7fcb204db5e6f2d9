"""The show's sign of life: ten times a second, down a pipe, how many frames it has shown.

A line `PHASE FRAMES`, written by a thread of its own, so that a long frame is not taken for a death. The pipe is never
waited for. When nobody reads it any more the supervisor is dead, and the show ends.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

BEAT_S = 0.1
STARTING, SHOWING, WAITING, ENDING = "starting", "showing", "waiting", "ending"
LEAVE_S = 5.0  # for a show that has lost its supervisor


class Heartbeat:
    """Beats from the moment it is made until the process ends."""

    def __init__(self, pipe: int) -> None:
        """`pipe` is the end to write to, as `engine.guard.launch_environment` numbers it."""
        self._pipe = _descriptor(pipe)
        self._sending = threading.Lock()
        self._phase = STARTING
        self._frames: Callable[[], int] = lambda: 0
        self._waiting: Callable[[], bool] = lambda: False
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def tell(self, phase: str) -> None:
        """From now on the show is in `phase`; the supervisor learns it at once."""
        self._phase = phase
        self._send()

    def show(self, frames: Callable[[], int], waiting: Callable[[], bool]) -> None:
        """From now on it shows pictures, which `frames` counts, and may be `waiting` for the window system to take one."""
        self._frames, self._waiting = frames, waiting
        self.tell(SHOWING)

    def _send(self) -> bool:
        """False once nobody reads."""
        with self._sending:
            phase = WAITING if self._phase == SHOWING and self._waiting() else self._phase
            try:
                os.write(self._pipe, f"{phase} {self._frames()}\n".encode())  # far below PIPE_BUF: whole or not at all
            except BlockingIOError:
                pass  # full: the supervisor is stopped, and what it will read says that we lived
            except OSError:
                return False
        return True

    def _beat(self) -> None:
        while self._send():
            time.sleep(BEAT_S)
        # Linux has killed us by now (PR_SET_PDEATHSIG); elsewhere the show is asked to end, then made to.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LEAVE_S)
        os._exit(1)


def _descriptor(pipe: int) -> int:
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(pipe, os.O_WRONLY)
    os.set_inheritable(pipe, False)
    os.set_blocking(pipe, False)
    return pipe
