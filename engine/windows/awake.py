"""Keeps the machine and its screens from going to sleep while a show runs."""

import ctypes
import os
import shutil
import subprocess
import sys
from types import TracebackType
from typing import Self

# Each of these holds its lock for as long as the command given to it runs. `cat` runs until the pipe from us is
# closed, which the system does even if we are killed: no lock outlives the show.
_LINUX_HOLDERS = (
    ("systemd-inhibit", "--what=idle:sleep", "--who=Clavilux", "--why=performing", "--mode=block", "cat"),
    ("gnome-session-inhibit", "--inhibit", "idle:suspend", "--app-id", "clavilux", "--reason", "performing", "cat"),
    ("kde-inhibit", "--power", "--screenSaver", "cat"),
)
_ES_CONTINUOUS, _ES_SYSTEM_REQUIRED, _ES_DISPLAY_REQUIRED = 0x80000000, 0x00000001, 0x00000002


class Awake:
    """A lock against sleep and screen saver, held until `close`. Never raises: a show goes on without it.

    Full screen on X11 and Wayland is guarded by GLFW as well; this also covers a window and the machine itself.
    """

    def __init__(self) -> None:
        self._holders: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._windows_held = False
        if sys.platform == "win32":
            self._windows_held = _windows_state(_ES_CONTINUOUS | _ES_SYSTEM_REQUIRED | _ES_DISPLAY_REQUIRED)
        elif sys.platform == "darwin":
            self._hold("caffeinate", "-d", "-i", "-w", str(os.getpid()))
        else:
            for command in _LINUX_HOLDERS:
                self._hold(*command)

    @property
    def held_by(self) -> tuple[str, ...]:
        """The names of the mechanisms that hold the lock now; empty if none does."""
        running = tuple(name for name, process in self._holders if process.poll() is None)
        return ("SetThreadExecutionState",) if self._windows_held else running

    def close(self) -> None:
        """Let the machine sleep again."""
        if self._windows_held:
            self._windows_held = not _windows_state(_ES_CONTINUOUS)
        for _name, process in self._holders:
            if process.stdin is not None:
                process.stdin.close()
            process.terminate()
            process.wait()
        self._holders.clear()

    def _hold(self, *command: str) -> None:
        path = shutil.which(command[0])
        if path is None:
            return
        try:
            process = subprocess.Popen(
                (path, *command[1:]),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal belongs to the show alone
            )
        except OSError:
            return
        self._holders.append((command[0], process))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _windows_state(flags: int) -> bool:
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 (the name exists on Windows only)
    return bool(kernel.SetThreadExecutionState(ctypes.c_uint(flags)))
