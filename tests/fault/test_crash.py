"""A supervised show as a user starts it, and what kills shows."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.guard.journal import load_journal
from engine.guard.launch_environment import VARIABLE

REACH_S = 50.0  # ten times what a restart may take
SEEN_S = 5.0  # ten times what a stopped process may go unseen
QUICK = ("--audio", "none", "--size", "320x180", "--midi", "off")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the show's processes in /proc")


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


def xvfb(name: str = "") -> tuple["subprocess.Popen[bytes]", str]:
    """An X server, ready: a new one, or one by its name."""
    reading, writing = os.pipe()
    command = ["setpriv", "--pdeathsig", "KILL", "Xvfb", *([name] if name else []), "-displayfd", str(writing)]
    command += ["-screen", "0", "1280x720x24", "+extension", "GLX", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with open(reading) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb did not start"
    return server, f":{number}"


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


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    made: list[Supervised] = []

    def start(*words: str, display: str = "", fault: str = "") -> Supervised:
        made.append(Supervised(tmp_path, *words, display=display, fault=fault))
        return made[-1]

    yield start
    for show in made:
        show.end()


def test_what_hands_set_over_osc_survives_a_crash(play: Callable[..., Supervised]) -> None:
    show = play("--macro.2", "0.8")
    show.turn("/patch/load", "tidal")
    # It is asked for at once, but plays a moment later, and only then are parameters hands' own again.
    show.until(lambda: show.journal.exists() and load_journal(show.journal).patch == "tidal", what="the patch in the journal")
    hands: dict[str, float | str] = {"/macro/2": 0.3, "/latent/truncation": 0.4, "/stage/fit": "crop", "/shader/warp/amount": 0.4}
    for address, value in hands.items():
        show.turn(address, value)
    was_set = time.monotonic()
    show.until(lambda: show.saved()["/shader/warp/amount"] == pytest.approx(0.4), what="the last one in the journal")
    assert time.monotonic() - was_set < 10.0  # ten times the goal
    os.kill(show.show(), signal.SIGKILL)
    show.said("the show is back after")
    assert show.ask("/patch/load") == "tidal"
    for address, value in hands.items():
        assert show.ask(address) == (pytest.approx(value) if isinstance(value, float) else value), address


def test_a_killed_show_is_back_as_it_was_and_plays_for_the_rest_of_its_time(
    play: Callable[..., Supervised], tmp_path: Path
) -> None:
    state = tmp_path / "state" / "clavilux"
    state.mkdir(parents=True)
    hands = {"/macro/3": 0.9, "/master/level": 0.7, "/stage/fit": "crop", "/shader/warp/amount": 0.375, "/macro/2": 0.1}
    left = {"schema": 1, "patch": "tidal", "model": "light", "bases": hands, "parts": {}}
    (state / "journal.json").write_text(json.dumps(left))
    began = time.time()
    show = play("--resume", "--macro.2", "0.8", "--seconds", "6")
    before = show.saved(began)
    assert before["patch"] == "tidal"
    assert {address: before[address] for address in hands} == hands | {"/macro/2": 0.8}  # the command line is in force
    killed = time.time()
    os.kill(show.show(), signal.SIGKILL)
    assert "was killed by SIGKILL" in show.said("started again with what hands set")
    show.said("the show is back after")
    assert show.saved(killed) == before
    assert show.process.wait(REACH_S) == 0
    assert not show.family()
    assert sum("clavilux:" in line for line in show.lines) == 2, show.lines


def test_a_stopped_show_is_replaced_and_three_crashes_in_a_minute_lead_to_safe_mode(
    play: Callable[..., Supervised], tmp_path: Path
) -> None:
    for shelf in ("patches", "shaders", "models"):
        (tmp_path / "assets" / shelf).mkdir(parents=True)
    mine = tmp_path / "assets" / "patches" / "mine.toml"
    mine.write_text(Path("patches/tidal.toml").read_text())
    show = play("mine", "--assets", str(tmp_path / "assets"), "--macro.2", "0.8")
    before = show.saved()
    assert (before["patch"], before["/macro/2"]) == ("mine", 0.8)
    first = show.show()
    stopped = time.monotonic()
    os.kill(first, signal.SIGSTOP)
    show.said("the show was stopped", SEEN_S)
    second = show.show(other_than=first)
    show.said("the show is back after")
    assert time.monotonic() - stopped < REACH_S
    assert not alive(first)
    kept = show.saved()
    for patch in (mine, mine.with_name("first-light.toml")):
        patch.write_text("neither of them can be played any more")
    os.kill(second, signal.SIGKILL)
    third = show.show(other_than=second)
    os.kill(third, signal.SIGKILL)
    assert str(show.journal) in show.said("3 crashes within a minute: safe mode")
    back = sum("the show is back" in line for line in show.lines)
    show.said("the show is back after", times=back + 1)
    assert (show.ask("/patch/load"), show.ask("/macro/2")) == ("first-light", 0.5)
    assert show.saved() == kept, "safe mode touched the journal"
    show.process.send_signal(signal.SIGINT)
    assert show.process.wait(REACH_S) == 0
    show.until(lambda: not show.family(), what="orphans")


def test_ctrl_c_ends_the_show_and_leaves_its_journal(play: Callable[..., Supervised]) -> None:
    show = play("--macro.2", "0.8")
    show.saved()
    assert len(show.family()) >= 3, "supervisor, show, generator"
    asked = time.time()
    show.process.send_signal(signal.SIGINT)
    assert show.process.wait(REACH_S) == 0
    show.until(lambda: not show.family(), what="orphans")
    assert show.saved(asked)["/macro/2"] == 0.8
    assert not any("clavilux:" in line or "Traceback" in line for line in show.lines), show.lines


FAILS_TO_DRAW = """
from engine.show.realtime import RealtimeShow
draw = RealtimeShow._draw
def failing(live, *given):
    if live.frames == 40:
        raise RuntimeError("the fortieth frame")
    draw(live, *given)
RealtimeShow._draw = failing
"""


def test_a_show_that_fails_in_its_drawing_is_started_again(play: Callable[..., Supervised]) -> None:
    show = play("--macro.2", "0.8", "--seconds", "6", fault=FAILS_TO_DRAW)
    assert "ended with exit code 1" in show.said("started again with what hands set")
    show.said("the show is back after")
    assert show.ask("/macro/2") == pytest.approx(0.8)
    assert show.process.wait(REACH_S) == 0
    assert sum("RuntimeError: the fortieth frame" in line for line in show.lines) == 1, show.lines


def test_a_track_that_is_gone_is_silence_after_a_crash(play: Callable[..., Supervised], tmp_path: Path) -> None:
    track = tmp_path / "track.wav"
    soundfile.write(track, np.zeros((48000 * 60, 2), np.float32), 48000)
    show = play("--macro.2", "0.8", "--audio", str(track))
    show.saved()
    track.unlink()
    os.kill(show.show(), signal.SIGKILL)
    show.said("the show is back after")
    assert "plays on in silence" in show.said("track.wav, which is not there")
    assert show.ask("/macro/2") == pytest.approx(0.8)


def test_outputs_come_back_after_a_crash_and_the_film_before_it_stays(play: Callable[..., Supervised], tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    show = play("--output", "show.mp4", "--output", f"mjpeg:{port}")

    def picture() -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/frame.jpg", timeout=REACH_S) as answer:
            return bytes(answer.read())

    show.said(f"the picture is at http://127.0.0.1:{port}/")
    assert picture()[:2] == b"\xff\xd8"
    show.until(lambda: (tmp_path / "show.mp4").stat().st_size > 10_000, what="the film")
    os.kill(show.show(), signal.SIGKILL)
    show.said("recording show-2.mp4")
    show.said(f"the picture is at http://127.0.0.1:{port}/", times=2)
    assert picture()[:2] == b"\xff\xd8"
    assert (tmp_path / "show.mp4").stat().st_size > 10_000
    show.process.send_signal(signal.SIGINT)
    assert show.process.wait(REACH_S) == 0
    assert (tmp_path / "show-2.mp4").stat().st_size > 1000
    assert not any("Traceback" in line for line in show.lines), show.lines


HAS_A_STAGE = """
from engine.windows import display
from engine.windows import output_window
output_window.find_monitor = lambda name: display.find_monitor(None)
"""


def test_a_monitor_that_is_gone_is_no_reason_to_stay_dark(play: Callable[..., Supervised]) -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: no monitor is lost here (apt-get install xvfb)")
    server, name = xvfb()
    try:
        show = play("--macro.2", "0.8", "--monitor", "stage", display=name, fault=HAS_A_STAGE)
        show.saved()
        os.kill(show.show(), signal.SIGKILL)
        show.said("the show is back after")
        assert "shown in a window instead" in show.said("got 'stage'")
        show.process.send_signal(signal.SIGTERM)
        assert show.process.wait(REACH_S) == 0
    finally:
        server.kill()
        server.wait()


def test_a_lost_display_is_waited_for_and_is_no_reason_for_safe_mode(play: Callable[..., Supervised]) -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: no display is lost here (apt-get install xvfb)")
    server, name = xvfb()
    try:
        show = play("--macro.2", "0.8", display=name)
        show.saved()
        server.kill()
        server.wait()
        show.said("the display is gone")
        time.sleep(3.0)  # for several looks
        server, _ = xvfb(name)
        show.said("the show is back after")
        assert show.ask("/macro/2") == pytest.approx(0.8)
        assert sum("the display is gone" in line for line in show.lines) == 1
        assert not any("safe mode" in line for line in show.lines), show.lines
        show.process.send_signal(signal.SIGTERM)
        assert show.process.wait(REACH_S) == 0
    finally:
        server.kill()
        server.wait()


def test_a_killed_supervisor_leaves_nothing_behind(play: Callable[..., Supervised]) -> None:
    show = play()
    show.saved()
    assert len(show.family()) >= 3, "supervisor, show, generator"
    show.process.kill()
    show.process.wait()
    show.until(lambda: not show.family(), what="orphans")


@pytest.mark.parametrize(
    ("words", "message"), [(("--latent.truncatoin", "1"), "as /latent/truncation"), (("--resume", "--safe"), "not with --safe")]
)
def test_a_mistake_on_the_command_line_is_told_once_with_code_2(
    words: tuple[str, ...], message: str, play: Callable[..., Supervised]
) -> None:
    show = play(*words)
    assert show.process.wait(REACH_S) == 2
    show.end()
    assert sum(message in line for line in show.lines) == 1
    assert not any("started again" in line or "Traceback" in line for line in show.lines), show.lines


def test_the_supervisor_is_small() -> None:
    script = (
        "import sys, engine.cli, engine.commands.play, engine.guard.supervisor;"
        "print([name for name in ('numpy', 'moderngl', 'glfw', 'sounddevice', 'av', 'torch', 'openvino') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def hang(shader: Path) -> None:
    """Make a shader draw for hours; llvmpipe leaves loops after 65,535 turns, so each turn has to take long."""
    lines = shader.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("vec3 grade("))
    turn = "uv += 1e-9 * sin(uv.yx + float(i)); " * 500
    lines.insert(at + 1, f"for (int i = 0; i < 60000; i++) {{ {turn} }}")
    shader.write_text("\n".join(lines))


@pytest.mark.soak
def test_a_shader_that_hangs_the_driver_ends_in_safe_mode(play: Callable[..., Supervised], tmp_path: Path) -> None:
    shader = tmp_path / "assets" / "shaders" / "grade.glsl"
    shader.parent.mkdir(parents=True)
    shader.write_text(Path("shaders/grade.glsl").read_text())
    show = play("--assets", str(tmp_path / "assets"))
    show.saved()
    hang(shader)
    show.said("the show showed nothing new for", 60.0)
    show.said("the show did not start for", 10 * REACH_S, times=2)
    show.said("safe mode")
    show.said("the show is back after")


@pytest.mark.soak
def test_a_busy_machine_kills_no_healthy_show(play: Callable[..., Supervised]) -> None:
    show = play("--seconds", "60")
    show.saved()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8 * (os.cpu_count() or 1))]
    try:
        assert show.process.wait(280.0) == 0
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert not any("clavilux:" in line for line in show.lines), show.lines
