"""The supervisor: `clavilux play` as the user started it, a small process that runs the show as its child and keeps it running.

It imports neither GL nor sound nor numpy. A show that dies or hangs is started again and takes back its journal; three
crashes within a minute of playing lead to safe mode. Exit codes: the show's own, and 0 for one that was asked to end
(Ctrl-C, SIGTERM, SIGHUP). A show that never showed a picture and ends with an error is not started again.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import engine
from engine.core.starvation import Starving
from engine.guard.heartbeat import ENDING
from engine.guard.journal import Claim, state_folder
from engine.guard.launch_environment import NO_DISPLAY, NONE_LEFT, LaunchEnvironment
from engine.guard.show_watchdog import LOOK_S, SAFE_CRASHES, CrashCounter, Watch

SAME_S = 0.2  # `timeout` and service managers send a signal to a process and to its group: that is one request
LEAVE_S = 15.0  # for a show that was asked to end; a second request does not wait
NO_START_S = 2.0  # after a process that could not be started at all
NO_DISPLAY_S = 0.5  # between looks for one
KILLED_S = 10.0  # a broken driver may hold a killed process; it is not waited for any longer
UNEASY_S = 0.5  # nothing new for so long: look closer
WAITS = "the display is gone; the show waits until it is there again"
QUIET = "ignore:resource_tracker:UserWarning"
ENDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


def supervise(words: Sequence[str], seconds: float | None, resume: bool, safe: bool) -> int:
    """Run `clavilux play` with these words until the performance is over; the exit code. Main thread only."""
    return Supervisor(words, seconds, resume, safe).run()


class Supervisor:
    """Owns the journal's claim and one show at a time."""

    def __init__(self, words: Sequence[str], seconds: float | None, resume: bool, safe: bool) -> None:
        self._words, self._seconds, self._resume = tuple(words), seconds, resume
        self._crashes = CrashCounter(safe)
        self._asked, self._asked_s = 0, 0.0  # how often we were asked to end, and when last
        self._began_s: float | None = None  # when the first picture was shown
        self._started_s: float | None = None  # how long that took
        self._claim: Claim | None = None
        if not safe:
            try:
                self._claim = Claim(state_folder())
            except OSError as error:
                say(f"{error}; a crash would lose what hands set")
        self._left = self._claim.newest() if self._claim is not None and resume else None

    def run(self) -> int:
        handlers = {number: signal.signal(number, self._ask) for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN}
        try:
            return self._perform()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            if self._claim is not None:
                self._claim.close()

    def _perform(self) -> int:
        life, why = 0, ""
        if self._resume and self._left is None:
            say(why := NONE_LEFT)
        while True:
            left_s = self._left_s()
            if self._asked or (left_s is not None and left_s <= 0.0):
                return 0
            watch = Watch(time.monotonic(), self._started_s)
            try:
                fault, code = self._live(self._orders(life, why, left_s), watch)
            except OSError as error:  # no memory, no process: of the machine's, and no reason for safe mode
                if life == 0:
                    raise
                say(f"{error}; tried again in {NO_START_S:.0f} s")
                self._pause(NO_START_S)
                continue
            if fault and (self._asked or watch.phase == ENDING):
                say(f"the show {fault}; killed")
            if code == 0 or self._asked:
                return 0
            if watch.phase == ENDING or (self._began_s is None and code > 0 and not fault):
                return as_shell(code)
            if code == NO_DISPLAY and not fault:
                if why != WAITS:
                    say(why := WAITS)
                life += 1
                self._pause(NO_DISPLAY_S)
                continue
            fault = f"the show {fault or ended(code)} after {watch.lived_s:.0f} s"
            was_safe = self._crashes.safe
            pause_s = self._crashes.crash(watch.shown_s)
            if self._began_s is None and was_safe:
                say(f"{fault}, in safe mode too, and never showed a picture; given up")
                return as_shell(code)
            why = f"{fault}; {self._remedy(was_safe, pause_s)}"
            say(why)
            life += 1
            self._pause(pause_s)

    def _remedy(self, was_safe: bool, pause_s: float) -> str:
        if was_safe:
            return f"started again in {pause_s:.0f} s, in safe mode"
        if self._crashes.safe:
            kept = f"; {self._claim.path} keeps what hands set, for --resume" if self._claim and self._claim.written else ""
            return f"{SAFE_CRASHES} crashes within a minute: safe mode, with the bundled patch and model alone{kept}"
        return "started again" + (" with what hands set" if self._claim and self._claim.written else "")

    def _orders(self, life: int, why: str, left_s: float | None) -> LaunchEnvironment:
        if self._claim is None or self._crashes.safe:
            return LaunchEnvironment(os.getpid(), safe=self._crashes.safe, life=life, why=why, left_s=left_s)
        resume = self._claim.path if self._claim.written else self._left
        return LaunchEnvironment(os.getpid(), -1, str(self._claim.path), str(resume or ""), False, life, why, left_s)

    def _left_s(self) -> float | None:
        if self._seconds is None or self._began_s is None:
            return self._seconds
        return self._seconds - (time.monotonic() - self._began_s)

    def _live(self, launch: LaunchEnvironment, watch: Watch) -> tuple[str, int]:
        """One lifetime of the show: what went wrong ("" if it ended by itself), and its exit code, negative for a signal."""
        show, beats = start(self._words, launch)
        reader = threading.Thread(target=hear, args=(beats, watch), name="heartbeats", daemon=True)
        reader.start()
        starving = Starving(show.pid)
        asked, fault, leave_s, shown = 0, "", float("inf"), False
        while show.poll() is None and not fault:
            if asked < self._asked:  # told once politely; whoever asks twice does not want to wait
                leave_s = time.monotonic() + (LEAVE_S if asked == 0 and self._asked == 1 else 0.0)
                asked = self._asked
                ask_to_end(show)
            reader.join(LOOK_S)
            if not reader.is_alive():  # it has closed everything and is about to be gone
                with suppress(subprocess.TimeoutExpired):
                    show.wait(LOOK_S)
            fault = watch.look(time.monotonic(), stopped(show.pid), starving.since() if watch.still_s > UNEASY_S else 0.0)
            if asked:
                fault = "did not end" if time.monotonic() > leave_s else ""
            if watch.frames > 0 and not shown:
                shown = True
                self._shown(launch.life, watch)
        if fault:
            show.kill()
            with suppress(subprocess.TimeoutExpired):
                show.wait(KILLED_S)
        reader.join(LOOK_S)
        watch.look(time.monotonic(), False)  # its last words
        return fault, -signal.SIGTERM if show.returncode is None else show.returncode

    def _shown(self, life: int, watch: Watch) -> None:
        if self._began_s is None:
            self._began_s, self._started_s = time.monotonic(), watch.started_s
        if life > 0:
            say(f"the show is back after {watch.started_s:.1f} s")

    def _pause(self, pause_s: float) -> None:
        until_s = time.monotonic() + pause_s
        while not self._asked and time.monotonic() < until_s:
            time.sleep(LOOK_S)

    def _ask(self, *_: object) -> None:
        now_s = time.monotonic()
        if now_s - self._asked_s > SAME_S:
            self._asked += 1
        self._asked_s = now_s


def start(words: Sequence[str], launch: LaunchEnvironment) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a show in a process group of its own, so that Ctrl-C reaches it by way of us; the pipe it beats into.

    Ctrl-Z stops us alone: the show plays on.
    """
    beats, beating = os.pipe()
    paths = [str(Path(engine.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-P", "-m", "engine.cli", "play", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    # What a killed show leaves in shared memory is removed by Python's resource tracker, which need not tell the performer.
    environment["PYTHONWARNINGS"] = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), QUIET]))
    try:
        if sys.platform == "win32":
            import msvcrt

            handle = msvcrt.get_osfhandle(beating)
            os.set_handle_inheritable(handle, True)
            show = subprocess.Popen(
                command,
                env=environment | replace(launch, pipe=handle).environment(),
                stdin=subprocess.DEVNULL,
                startupinfo=subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]}),
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
        else:
            show = subprocess.Popen(
                command,
                env=environment | replace(launch, pipe=beating).environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=(beating,),
                process_group=0,
            )
    except BaseException:
        os.close(beats)
        raise
    finally:
        os.close(beating)
    return show, beats


def ask_to_end(show: "subprocess.Popen[bytes]") -> None:
    """Politely."""
    if sys.platform == "win32":
        show.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        show.send_signal(signal.SIGTERM)


def hear(beats: int, watch: Watch) -> None:
    """Hand heartbeats on until the show has closed its end of the pipe."""
    with open(beats, encoding="ascii", errors="replace") as lines:
        for line in lines:
            watch.beat(line.strip())


def stopped(pid: int) -> bool:
    """Whether a signal has stopped a process; known on Linux alone, elsewhere it is found to hang."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
    except (OSError, IndexError):
        return False


def ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def as_shell(code: int) -> int:
    """An exit code as shells give it: 128 and the signal's number for one that was killed."""
    return code if code >= 0 else 128 - code


def say(message: str) -> None:
    """One line to the terminal, if there still is one."""
    with suppress(OSError, ValueError):
        print(f"clavilux: {message}", file=sys.stderr, flush=True)
