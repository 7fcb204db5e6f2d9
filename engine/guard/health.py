"""What a long show costs: memory of its processes, the interpreter lock's gaps, and how punctual the machine itself is.

`python -m engine.guard.health RATE_HZ` runs a bare timer loop until standard input closes, then prints how late each
turn was, in milliseconds, as JSON. It is a process of its own, so that the show's lock does not count.
"""

import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

GAP_S = 0.002  # the probe's sleep: short against a display period, long against what it costs
KEPT = 1 << 16


def uss_mb(pid: int) -> float | None:
    """Memory that only this process uses (unique set size), in MiB; None where the system does not tell or it is gone."""
    return _memory_mb(pid, ("Private_Clean:", "Private_Dirty:"))


def allocated_mb(pid: int) -> float | None:
    """Memory of a process behind which there is no file. Unlike the above, who else has the same libraries does not change it."""
    return _memory_mb(pid, ("Anonymous:",))


def _memory_mb(pid: int, kinds: tuple[str, ...]) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith(kinds)) / 1024.0


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; 0.0 of nothing."""
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * percent / 100.0), len(ordered) - 1)] if ordered else 0.0


class GilProbe:
    """A thread that sleeps briefly, again and again, and notes how much later than asked it runs again.

    The excess over TimerProbe's is what other threads of this process, holding the interpreter lock, cost it.
    """

    def __init__(self) -> None:
        self.gaps_ms: deque[float] = deque(maxlen=KEPT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gil-probe", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def p99_ms(self) -> float:
        """The 99th percentile of the newest gaps, about two minutes of them."""
        return percentile(tuple(self.gaps_ms), 99.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            time.sleep(GAP_S)
            self.gaps_ms.append(max(time.perf_counter() - began - GAP_S, 0.0) * 1e3)


class TimerProbe:
    """A bare timer loop at `rate_hz` in a process of its own: the machine's own noise."""

    def __init__(self, rate_hz: float) -> None:
        command = [sys.executable, "-P", "-S", str(Path(__file__)), str(rate_hz)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self) -> list[float]:
        """End it; how late each turn was, in ms. Raises RuntimeError if it did not run."""
        out, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"expected a timer loop's samples; got exit code {self._process.returncode}")
        return [float(late) for late in json.loads(out)]


def _timer_loop(rate_hz: float) -> list[float]:
    end = threading.Thread(target=sys.stdin.read, daemon=True)
    end.start()
    late_ms: deque[float] = deque(maxlen=KEPT)
    due = time.monotonic()
    while end.is_alive():
        due += 1.0 / rate_hz
        time.sleep(max(due - time.monotonic(), 0.0))
        late = time.monotonic() - due
        late_ms.append(late * 1e3)
        due += max(late - 1.0 / rate_hz, 0.0)  # after a long sleep the missed turns are not made up for
    return list(late_ms)


if __name__ == "__main__":
    print(json.dumps(_timer_loop(float(sys.argv[1]))))
