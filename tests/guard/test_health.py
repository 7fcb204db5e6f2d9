import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.guard.health import GilProbe, TimerProbe, allocated_mb, percentile, uss_mb


def test_percentiles_are_nearest_rank():
    assert percentile(range(1, 101), 99) == 100
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([], 50) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
@pytest.mark.parametrize("measure", [uss_mb, allocated_mb])
def test_a_processs_own_memory_is_counted(measure):
    code = "import sys; held = b'x' * (int(sys.argv[1]) << 20); print(flush=True); sys.stdin.read()"
    sizes = []
    for mebibytes in (0, 40):
        command = [sys.executable, "-c", code, str(mebibytes)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            sizes.append(measure(process.pid))
    assert 0 < sizes[0] < 30
    assert sizes[1] - sizes[0] == pytest.approx(40, abs=1)


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_what_is_read_of_a_file_is_not_allocated_and_belongs_to_one_reader_at_most(tmp_path: Path):
    (tmp_path / "library").write_bytes(bytes(40 << 20))
    code = """
import mmap, sys
with open(sys.argv[1]) as file:
    held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
print(sum(held[::4096]), flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(tmp_path / "library")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        one.stdout.readline()
        alone = uss_mb(one.pid), allocated_mb(one.pid)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            beside = uss_mb(one.pid), allocated_mb(one.pid)
    assert alone[0] - beside[0] > 39
    assert alone[1] == beside[1] < 30


def test_uss_of_a_process_that_is_gone_is_unknown():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert uss_mb(process.pid) is None


def test_the_probe_sees_a_thread_that_keeps_the_interpreter():
    big = list(range(1_000_000, 0, -1))
    probe = GilProbe()
    probe.start()
    until = time.monotonic() + 30.0
    while len(probe.gaps_ms) <= 10 and time.monotonic() < until:
        time.sleep(0.05)
    quiet = len(probe.gaps_ms)
    began = time.perf_counter()
    sorted(big * 4)  # one call into C that holds the lock throughout
    held_ms = (time.perf_counter() - began) * 1e3
    time.sleep(0.05)
    probe.stop()
    assert quiet > 10
    assert max(probe.gaps_ms) > 10.0
    assert max(probe.gaps_ms) < held_ms + 2000.0  # a busy machine stalls on its own


def test_the_timer_runs_at_its_rate_and_apart_from_this_process():
    began = time.perf_counter()
    probe = TimerProbe(100.0)
    time.sleep(1.0)
    sorted(list(range(2_000_000)) * 2)
    late_ms = probe.stop()
    most = (time.perf_counter() - began) * 100
    assert 0.03 * most < len(late_ms) <= most + 2  # a busy machine is late, and starts processes slowly
    assert min(late_ms) >= 0.0
    assert percentile(late_ms, 50) < 100.0
