"""How busy the machine is, as one process feels it: how long its threads wanted to run and were not let."""

from contextlib import suppress
from pathlib import Path


class Starving:
    """How long a process's threads wanted to run and were not let; known on Linux alone."""

    def __init__(self, pid: int) -> None:
        self._tasks, self._waited_ns = Path(f"/proc/{pid}/task"), dict[str, int]()

    def since(self) -> float:
        """Of the thread that was kept waiting longest since the call before, in seconds; 0 at first."""
        waited_ns = {}
        with suppress(OSError, IndexError, ValueError):
            for task in self._tasks.iterdir():
                waited_ns[task.name] = int((task / "schedstat").read_bytes().split()[1])
        more_ns = [waited - self._waited_ns[name] for name, waited in waited_ns.items() if name in self._waited_ns]
        self._waited_ns = waited_ns
        return max(more_ns, default=0) / 1e9
