"""How long the card works on a picture, asked a few pictures late so that nothing waits for the answer."""

from types import TracebackType
from typing import Any

LAG = 3  # pictures; drivers queue no more


class GpuTimer:
    """`with timer:` around the drawing of each picture; `ms` is the time of the one `LAG` before, 0 at first."""

    def __init__(self, context: Any) -> None:
        self._queries = [context.query(time=True) for _ in range(LAG + 1)]
        self._count = 0
        self.ms = 0.0

    def __enter__(self) -> None:
        self._queries[self._count % len(self._queries)].__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._queries[self._count % len(self._queries)].__exit__(kind, error, trace)
        self._count += 1
        if self._count >= len(self._queries):
            self.ms = self._queries[self._count % len(self._queries)].elapsed / 1e6
