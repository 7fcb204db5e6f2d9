"""What is posted or called at given times of a film: `--at 30 "/patch/load tidal"`."""

import shlex
from collections.abc import Sequence

from engine.control.action import ActionParam
from engine.control.tree import ParamTree


class Cues:
    """Posts each cue once, in order of time. Making it raises LookupError or ValueError for one that cannot be."""

    def __init__(self, tree: ParamTree, cues: Sequence[tuple[float, str]]) -> None:
        self._tree = tree
        self._waiting = [(at_s, *self._read(words)) for at_s, words in sorted(cues, key=lambda cue: cue[0])]

    def post(self, time_s: float) -> None:
        """Post what is due at `time_s` of the film."""
        while self._waiting and self._waiting[0][0] <= time_s:
            _, address, arguments = self._waiting.pop(0)
            if isinstance(self._tree.leaf(address).param, ActionParam):
                self._tree.call(address, arguments)
            else:
                self._tree.post(address, arguments[0])

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
