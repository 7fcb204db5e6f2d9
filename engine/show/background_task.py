"""Makes things that take their time, beside the show: devices, models. Whoever draws never waits for them."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundTask(Generic[T]):
    """One at a time, on a thread of its own; of those asked for meanwhile only the newest is made.

    `ask` and `take` belong to one thread. `complain` is called from the other with what went wrong.
    """

    def __init__(self, name: str, complain: Callable[[Exception], None]) -> None:
        self._name, self._complain = name, complain
        self._asked: Callable[[], T] | None = None
        self._busy = False
        self._changing = threading.Lock()
        self._made: deque[T] = deque()

    def ask(self, make: Callable[[], T]) -> None:
        """Have `make` called soon."""
        with self._changing:
            self._asked = make
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def take(self) -> T | None:
        """The next thing that was made, once."""
        return self._made.popleft() if self._made else None

    @property
    def idle(self) -> bool:
        """Whether nothing is being made, and nothing waits to be taken."""
        return not self._busy and not self._made

    def _work(self) -> None:
        while True:
            with self._changing:
                make, self._asked = self._asked, None
                if make is None:
                    self._busy = False
                    return
            try:
                self._made.append(make())
            except Exception as error:  # of any kind: the next thing that is asked for must be made
                self._complain(error)
