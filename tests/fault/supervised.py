"""A supervised show as a user starts it, in a home of its own, and its processes."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.guard.journal import load_journal
from engine.guard.launch_environment import VARIABLE

REACH_S = 50.0  # ten times what a restart may take
QUICK = ("--audio", "none", "--size", "320x180", "--midi", "off")


class Supervised:
    """`clavilux play` in a home of its own: in a window on `display`, or headless in real time."""

    def __init__(self, home: Path, *words: str, display: str = "", fault: str = "") -> None:
        """`fault` is Python that the first life of the show runs before anything else."""
        self.home, self.journal = home, home / "state" / "clavilux" / "journal.json"
        environ = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environ |= {"XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(home / "data")}
        environ |= {"DISPLAY": display} if display else {}
        environ |= {"PYTHONPATH": str(faulty(home, fault))} if fault else {}
        self.osc = ("127.0.0.1", free_port())
        command = [sys.executable, "-m", "engine.cli", "play", *QUICK]
        command += [] if display else ["--headless", "--realtime"]
        command += ["--osc-bind", f"{self.osc[0]}:{self.osc[1]}", *words]
        self.process = subprocess.Popen(command, cwd=home, env=environ, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._known = {self.process.pid}

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def said(self, words: str, reach_s: float = REACH_S, times: int = 1) -> str:
        """Wait for a line that holds `words`, the `times`-th of them."""
        self.until(lambda: sum(words in line for line in self.lines) >= times, reach_s, words)
        return [line for line in self.lines if words in line][times - 1]

    def until(self, condition: Callable[[], bool], reach_s: float = REACH_S, what: str = "") -> None:
        deadline = time.monotonic() + reach_s
        while not condition():
            assert time.monotonic() < deadline, (what, self.lines)
            time.sleep(0.02)

    def show(self, other_than: int = 0) -> int:
        """The process of the show, once there is one."""
        found: list[int] = []

        def look() -> bool:
            found[:] = [pid for pid in children(self.process.pid) if pid != other_than]
            return bool(found)

        self.until(look, what="a show")
        return found[0]

    def saved(self, later_than: float = 0.0) -> dict[str, object]:
        """What the journal holds, once a show has saved it after a moment of `time.time()`: bases by address, and the patch."""
        self.until(lambda: self.journal.exists() and self.journal.stat().st_mtime > later_than, what="a journal")
        saved = load_journal(self.journal)
        return {**saved.bases, "patch": saved.patch}

    def turn(self, address: str, value: float | str) -> None:
        """Set a parameter over OSC, until it is what it was set to."""

        def obeyed() -> bool:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                wire.sendto(message(address, value), self.osc)
            return self.ask(address) == (pytest.approx(value) if isinstance(value, float) else value)

        self.until(obeyed, what=address)

    def ask(self, address: str) -> object:
        """What a parameter is set to, by the show's own answer over OSC."""
        answers: list[object] = []

        def answered() -> bool:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                wire.settimeout(0.5)
                wire.sendto(message(address), self.osc)
                with suppress(OSError):
                    answers.append(OscMessage(wire.recv(65535)).params[0])
            return bool(answers)

        self.until(answered, what=address)
        return answers[0]

    def family(self) -> set[int]:
        """All processes that were started by it and still run."""
        self._known |= descendants(self.process.pid)
        return {pid for pid in self._known if alive(pid)}

    def end(self) -> None:
        for pid in self.family():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(REACH_S)


def faulty(home: Path, fault: str) -> Path:
    """A folder that makes Python run `fault` in the first life of a show: not in its supervisor, its generator, its next life."""
    (home / "fault").mkdir()
    # glfw asks a Python of its own for its version: that one must not load glfw again, and so on without end.
    first = f"""if '"life": 0' in os.environ.get("{VARIABLE}", "") and "-c" not in sys.orig_argv:"""
    (home / "fault" / "sitecustomize.py").write_text(f"import os, sys\n{first}\n{textwrap.indent(fault, '    ')}")
    return home / "fault"


def message(address: str, *values: float | str) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(task.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found |= {int(task.parent.name)} | descendants(int(task.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
