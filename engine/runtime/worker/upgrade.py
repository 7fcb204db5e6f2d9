"""Compiles the runtimes that are better than the one that plays, best first, until one of them is ready to take over."""

import threading
from collections.abc import Sequence

from engine.runtime.card import ModelCard
from engine.runtime.compile.compiled_model import Compilation


class Upgrade:
    """One compilation at a time, each in a process of its own, watched by a thread that never touches what plays.

    `begin`, `take`, `refuse` and `end` belong to one thread; the rest may be read from any.
    """

    def __init__(self, card: ModelCard, better: Sequence[str]) -> None:
        self._card, self._waiting = card, list(better)
        self._states = dict.fromkeys(better, "waits to be compiled")
        self.message = ""  # what is being done, or what went wrong last
        self._made = ""
        self._compilation: Compilation | None = None
        self._ended = False
        self._changing = threading.Lock()

    def state(self, runtime: str) -> str:
        """Why a runtime does not play, or not yet."""
        return self._states.get(runtime, "failed")

    def begin(self) -> None:
        """Compile the next one, if there is one."""
        if self._waiting and not self._ended:
            threading.Thread(target=self._compile, args=(self._waiting.pop(0),), name="upgrade", daemon=True).start()

    def take(self) -> str:
        """The runtime that is ready to take over, once; an empty string while there is none."""
        made, self._made = self._made, ""
        return made

    def refuse(self, reason: str) -> None:
        """The one that was taken does not play after all."""
        self._states[reason.partition(":")[0]] = "failed"
        self.message = reason
        self.begin()

    def end(self) -> None:
        """Give up what is being compiled."""
        with self._changing:
            self._ended = True
            if self._compilation is not None:
                self._compilation.end()

    def _compile(self, runtime: str) -> None:
        try:
            with self._changing:
                if self._ended:
                    return
                self._compilation = Compilation(self._card, runtime)
            self._states[runtime] = "is being compiled"
            self._say(runtime, f"compiling {self._card.name}")
            self._compilation.finish(lambda words: self._say(runtime, words))
        except (OSError, RuntimeError) as error:
            self._states[runtime] = "could not be compiled"
            self._say(runtime, str(error))
            self.begin()
            return
        self._states[runtime] = "is about to play"
        self.message, self._made = "", runtime

    def _say(self, runtime: str, words: str) -> None:
        self.message = f"{runtime}: {words}"
