"""A supervised show as a user starts it, and what kills shows."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from supervised import REACH_S, Supervised, alive

from engine.guard.journal import load_journal

SEEN_S = 5.0  # ten times what a stopped process may go unseen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the show's processes in /proc")


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


def test_a_song_that_is_deleted_ends_no_show_and_is_heard_when_it_is_back_even_after_a_crash(
    play: Callable[..., Supervised], tmp_path: Path
) -> None:
    song, kept = tmp_path / "song.wav", tmp_path / "kept.wav"
    soundfile.write(song, np.full((22050, 2), 0.5, np.float32), 44100)
    show = play("--audio", str(song))
    show.saved()
    song.rename(kept)
    show.said("expected sound from song.wav; got No such file or directory; kept silence until it can be read")
    time.sleep(3.0)
    assert show.process.poll() is None
    os.kill(show.show(), signal.SIGKILL)
    show.said("the show is back after")
    show.said("expected sound from song.wav", times=2)
    assert show.process.poll() is None
    kept.rename(song)
    show.said("song.wav is heard again")
    assert sum("expected sound" in line for line in show.lines) == 2, show.lines
    show.process.terminate()
    assert show.process.wait(REACH_S) == 0
    assert not any("Traceback" in line or "nanobind" in line for line in show.lines), show.lines


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
    assert "kept silence until it can be read" in show.said("expected sound from track.wav; got No such file")
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


def test_a_killed_supervisor_leaves_nothing_behind(play: Callable[..., Supervised]) -> None:
    show = play()
    show.saved()
    assert len(show.family()) >= 3, "supervisor, show, generator"
    show.process.kill()
    show.process.wait()
    show.until(lambda: not show.family(), what="orphans")


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--latent.truncatoin", "1"), "as /latent/truncation"), (("--resume", "--safe"), "expected --resume or --safe; got both")],
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
