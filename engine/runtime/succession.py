"""Prepares the runtimes that are better than the one that plays, best first, until one of them is ready to take over."""

import threading
from collections.abc import Sequence

from engine.runtime.card import ModelCard
from engine.runtime.preparing import Preparation


class Succession:
    """One preparation at a time, each in a process of its own, watched by a thread that never touches what plays.

    `begin`, `take`, `refuse` and `end` belong to one thread; the rest may be read from any.
    """

    def __init__(self, card: ModelCard, better: Sequence[str]) -> None:
        self._card, self._waiting = card, list(better)
        self._states = dict.fromkeys(better, "waits to be prepared")
        self.message = ""  # what is being done, or what went wrong last
        self._made = ""
        self._preparation: Preparation | None = None
        self._ended = False
        self._changing = threading.Lock()

    def state(self, runtime: str) -> str:
        """Why a runtime does not play, or not yet."""
        return self._states.get(runtime, "failed")

    def begin(self) -> None:
        """Prepare the next one, if there is one."""
        if self._waiting and not self._ended:
            threading.Thread(target=self._prepare, args=(self._waiting.pop(0),), name="succession", daemon=True).start()

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
        """Give up what is being prepared."""
        with self._changing:
            self._ended = True
            if self._preparation is not None:
                self._preparation.end()

    def _prepare(self, runtime: str) -> None:
        try:
            with self._changing:
                if self._ended:
                    return
                self._preparation = Preparation(self._card, runtime)
            self._states[runtime] = "is being prepared"
            self._say(runtime, f"preparing {self._card.name}")
            self._preparation.finish(lambda words: self._say(runtime, words))
        except (OSError, RuntimeError) as error:
            self._states[runtime] = "could not be prepared"
            self._say(runtime, str(error))
            self.begin()
            return
        self._states[runtime] = "is about to play"
        self.message, self._made = "", runtime

    def _say(self, runtime: str, words: str) -> None:
        self.message = f"{runtime}: {words}"
