"""What is posted or called at given times of a film: `--at 30 "/patch/load tidal"`."""

import shlex
from collections.abc import Callable, Sequence

from engine.control.action import ActionParam
from engine.control.tree import ParamTree


class Cues:
    """Posts each cue once, in order of time; one that cannot be is told to `say`, and the film goes on.

    Making it raises LookupError or ValueError for one that cannot be now. What comes after a cue that loads a patch or a
    model is looked at when its time has come: it may name what only that one has.
    """

    def __init__(self, tree: ParamTree, cues: Sequence[tuple[float, str]], say: Callable[[str], None]) -> None:
        self._tree, self._say = tree, say
        self._waiting = sorted(cues, key=lambda cue: cue[0])
        for at_s, words in self._waiting:
            try:
                address, _ = self._read(words)
            except (LookupError, ValueError) as error:
                raise ValueError(f"{error.args[0]}, from --at {at_s:g} {words!r}") from None
            if isinstance(tree.leaf(address).param, ActionParam) and tree.leaf(address).param.holds:
                break

    def post(self, time_s: float) -> None:
        """Post what is due at `time_s` of the film."""
        while self._waiting and self._waiting[0][0] <= time_s:
            at_s, words = self._waiting.pop(0)
            try:
                address, arguments = self._read(words)
                if isinstance(self._tree.leaf(address).param, ActionParam):
                    self._tree.call(address, arguments)
                else:
                    self._tree.post(address, arguments[0])
            except (LookupError, ValueError) as error:
                self._say(f"{error.args[0]}, from --at {at_s:g} {words!r}; the film goes on")

    def finish(self) -> None:
        """At the end of the film: say which cues never came."""
        for at_s, words in self._waiting:
            self._say(f"expected a film of more than {at_s:g} s for --at {at_s:g} {words!r}; it ended before")

    def _read(self, words: str) -> tuple[str, tuple[object, ...]]:
        """An address and its arguments, of text as on a command line."""
        address, *rest = shlex.split(words) or [""]
        param = self._tree.leaf(address).param
        if isinstance(param, ActionParam):
            kinds = [kind for _, kind, _ in param.arguments]
            given = [kind.parse(word) for kind, word in zip(kinds, rest, strict=False)] + list(rest[len(kinds) :])
            return address, param.check_arguments(given) or ()
        if not rest and param.holds:
            raise ValueError(f"expected a value after {address}, as in --at 30 '{address} 0.5'; got none")
        return address, (param.parse(" ".join(rest) or "1"),)
