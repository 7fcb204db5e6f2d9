import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ticks import LIVENESS, draw, latent, make_tick, wait_until

from engine.runtime.worker.process import GeneratorProcess

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def segments(pid: int | None = None) -> set[str]:
    return {path.name for path in Path("/dev/shm").glob(f"clavilux-{pid or os.getpid()}-*")}


@pytest.fixture(scope="module")
def playing(model, openvino):
    with GeneratorProcess(model, "openvino", 1) as process:
        wait_until(lambda: process.status().state == "warm", 60)
        yield process


def test_what_a_model_offers_is_known_before_it_runs(model, card):
    process = GeneratorProcess(model, patient=True)
    assert process.info == card.info("openvino")
    assert process.status().state == "starting"
    assert process.poll() is None
    process.send(make_tick(card, 1))
    process.close()


def test_an_unknown_runtime_and_a_bad_model_are_refused_at_once(model, tmp_path):
    with pytest.raises(ValueError, match=r"expected a runtime, one of auto, tensorrt, .*, torch, cuda-compiled; got 'jax'"):
        GeneratorProcess(model, "jax")
    with pytest.raises(ValueError, match="expected a model's card"):
        GeneratorProcess(tmp_path)


def test_a_film_gets_the_frame_of_each_tick_bit_for_bit(playing, openvino, card):
    for number in (*range(1, 12), 3):
        tick = make_tick(card, number)
        playing.send(tick)
        frame = playing.wait_for(number, 20)
        assert (frame.tick, frame.t_heard) == (number, tick.t_heard)
        assert tick.t_heard < frame.t_made < time.monotonic()
        assert (frame.rgba == draw(openvino, tick.latent)).all()
        assert not frame.rgba.flags.writeable


def test_waiting_for_a_tick_that_was_not_sent_last_is_an_error(playing, card):
    playing.send(make_tick(card, 20))
    with pytest.raises(ValueError, match="expected to wait for the tick sent last, 20; got 21"):
        playing.wait_for(21, 1)
    playing.wait_for(20, 20)


def test_a_latent_of_another_model_is_refused(playing, card):
    tick = make_tick(card, 1)
    state = latent(card, 1)
    object.__setattr__(tick, "latent", type(state)(state.z[:-1], state.y, state.truncation, state.noise))
    with pytest.raises(ValueError, match=r"expected z of shape \(32,\); got \(31,\) from tick 1"):
        playing.send(tick)


def test_polling_gives_new_frames_only_and_nothing_waits(playing, card):
    worst_s, frames, number = 0.0, [], 100
    began = time.monotonic()
    while time.monotonic() < began + 1.5 or (len(frames) < 5 and time.monotonic() < began + 1.5 * LIVENESS):
        number += 1
        tick = make_tick(card, number)
        before_s = time.thread_time()
        playing.send(tick)
        frame = playing.poll()
        worst_s = max(worst_s, time.thread_time() - before_s)
        if frame is not None:
            frames.append(frame)
        time.sleep(0.005)
    last = playing.wait_for(number, 20) if not frames or frames[-1].tick != number else frames[-1]
    ticks = [frame.tick for frame in frames]
    assert ticks == sorted(set(ticks))
    assert [frame.seq for frame in frames] == list(dict.fromkeys(frame.seq for frame in frames))
    assert len(frames) >= 5
    assert last.tick == number  # the newest is drawn, the overtaken are dropped
    assert playing.poll() is None
    assert worst_s < 0.01
    status = playing.status()
    assert status.state == "playing"
    assert 1 < status.fps < 500
    assert 1 < status.ms_p50 < 1000


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@linux
def test_a_process_with_nothing_to_draw_sleeps(playing):
    spent_s = []
    for _ in range(LIVENESS):  # on a busy machine the last frame may still be under way
        before = cpu_s(playing.pid)
        time.sleep(1.0)
        spent_s.append(cpu_s(playing.pid) - before)
        if spent_s[-1] <= 0.05:
            return
    pytest.fail(f"it spent {spent_s} s of every second on nothing")


@linux
def test_the_process_holds_neither_sockets_nor_gl_nor_torch(playing):
    open_files = [os.readlink(path) for path in Path(f"/proc/{playing.pid}/fd").iterdir()]
    assert not [name for name in open_files if name.startswith("socket:")]
    maps = Path(f"/proc/{playing.pid}/maps").read_text()
    for library in ("libtorch", "libGL.", "libEGL", "libglfw", "libportaudio"):
        assert library not in maps
    assert Path(f"/proc/{playing.pid}/comm").read_text().strip() == "clavilux-draw"


def test_ctrl_c_does_not_reach_it(playing, card):
    pid = playing.pid
    os.kill(pid, signal.SIGINT)
    playing.send(make_tick(card, 30))
    playing.wait_for(30, 20)
    assert playing.pid == pid


HOLD = """
import ctypes, os, sys
pid, libc, all_threads = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True), 0x40000000
libc.ptrace.argtypes = [ctypes.c_long] * 4
for request in (0x4206, 0x4207):  # PTRACE_SEIZE, PTRACE_INTERRUPT
    if libc.ptrace(request, pid, 0, 0) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(pid, all_threads)
print("held", flush=True)
os.waitpid(pid, all_threads)
"""


def hold_main_thread(pid: int) -> None:
    """Stop the drawing thread only; the others, the status reporter among them, go on. Returns once it is held."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if holder.stdout.readline() != "held\n":
        pytest.skip(f"ptrace is not to be had: {holder.stderr.read()}")


@linux
@pytest.mark.parametrize("fault", ["killed", "stopped", "hung"])
def test_a_lost_process_is_replaced_and_draws_what_an_unharmed_one_would(playing, openvino, card, fault):
    restarts, lost, before = playing.status().restarts, playing.pid, segments()
    for number in range(200, 250):
        playing.send(make_tick(card, number))
        if number == 224:
            if fault == "hung":
                hold_main_thread(lost)
            else:
                os.kill(lost, {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP}[fault])
            began = time.monotonic()
        playing.poll()
    seen_s = wait_until(lambda: playing.status().restarts > restarts, 0.5 * LIVENESS)
    frame = playing.wait_for(249, 5.0 * LIVENESS)
    back_s = time.monotonic() - began
    print(f"{fault}: seen after {seen_s:.2f} s, back after {back_s:.2f} s")
    assert (frame.rgba == draw(openvino, latent(card, 249))).all()
    assert playing.pid != lost
    with pytest.raises(ProcessLookupError):
        os.kill(lost, 0)  # gone, not only forgotten
    assert len(segments()) == len(before)
    assert not segments() & before  # whatever it still wrote, it wrote where nobody looks
    # A hung step is told by its length. But the thread may be stopped with the interpreter's lock in its hand, and then the
    # status reporter, a thread of the same interpreter, stands still with it: the silence tells it as rightly.
    # More patience would not tell the two apart, since it is patience with both.
    words = {"killed": ("killed by SIGKILL",), "stopped": ("no sign of life",), "hung": ("is usual", "no sign of life")}[fault]
    assert any(word in playing.status().message for word in words)
    wait_until(lambda: playing.status().state == "playing", 5 * LIVENESS)


@linux
def test_closing_ends_what_is_being_compiled(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    process = GeneratorProcess(model)
    process.start()
    wait_until(lambda: compiling(os.getpid()), 20)
    process.close()
    wait_until(lambda: not compiling(os.getpid()), 5 * LIVENESS)
    assert not list(tmp_path.rglob("manifest.json"))


def compiling(parent: int) -> list[str]:
    """The processes that compile a model for `parent`."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"engine.runtime.compile.compiler" in words and str(parent).encode() in words:
            lines.append(path.parent.name)
    return lines


@linux
def test_closing_leaves_nothing_behind(model, openvino, card):
    before = segments()
    process = GeneratorProcess(model, "openvino")
    process.start()
    process.send(make_tick(card, 1))
    process.wait_for(1, 60)
    pid = process.pid
    assert len(segments() - before) == 3
    process.close()
    process.close()
    assert segments() == before
    assert not Path(f"/proc/{pid}").exists()
    assert process.status().state == "closed"
    assert process.poll() is None
    process.send(make_tick(card, 2))
    with pytest.raises(RuntimeError, match="closed"):
        process.wait_for(2, 1)


def gone(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@linux
@pytest.mark.parametrize("stopped", [False, True])
def test_it_dies_with_its_parent(model, openvino, stopped):
    code = """
import os, signal, sys, time
from pathlib import Path
from engine.runtime.compile.compiled_model import entry
from engine.runtime.worker.process import GeneratorProcess
process = GeneratorProcess(Path(sys.argv[1]), "openvino")
process.start()
while process.status().state != "warm":
    time.sleep(0.01)
print(os.getpid(), process.pid, flush=True)
if sys.argv[2] == "True":
    os.kill(process.pid, signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", code, str(model), str(stopped)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    parent, pid = (int(word) for word in done.stdout.split())
    wait_until(lambda: gone(pid), 5 * LIVENESS)
    wait_until(lambda: not segments(parent), 5 * LIVENESS)  # by Python's resource tracker


def test_two_models_play_side_by_side(playing, model, openvino, card):
    with GeneratorProcess(model, "openvino", 1) as other:
        for process, number in ((playing, 300), (other, 301)):
            process.send(make_tick(card, number))
        frames = [process.wait_for(number, 60) for process, number in ((playing, 300), (other, 301))]
    for frame, number in zip(frames, (300, 301), strict=True):
        assert (frame.rgba == draw(openvino, latent(card, number))).all()
    playing.send(make_tick(card, 302))
    playing.wait_for(302, 20)
    assert np.isfinite(playing.status().fps)
