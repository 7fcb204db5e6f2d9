"""OSC address patterns, and the addresses of the tree that they match: what one costs grows with the tree, and no faster.

Wildcards (`wildcards.py`) stay between slashes, so a pattern walks down the tree of addresses level by level; `//` stands for any
number of levels (OSC 1.1). Answers are remembered; what fresh ones may cost is bounded by a `Budget`.
"""

from engine.remote.osc.packet import PacketError
from engine.remote.osc.wildcards import SIGNS, Name, Part, read_part
from engine.remote.parameter_tree import ParameterTree

MAX_PATTERN = 255  # characters
MAX_GROUPS = 64  # brackets and braces
MAX_REMEMBERED = 256  # patterns whose addresses are kept

# One level of an address: a name as it is, a pattern of names, or None for any number of levels.
Level = str | Part | None


def is_pattern(address: str) -> bool:
    """Whether an address has wildcards. An address of the tree is none, so look there first."""
    return "*" in address or "{" in address or "[" in address or "?" in address or "//" in address


def read(pattern: str) -> tuple[Level, ...]:
    """A pattern's levels. Raises PacketError for one that is too long, or whose brackets and braces are not as they should be."""
    if len(pattern) > MAX_PATTERN:
        raise PacketError(f"expected a pattern of at most {MAX_PATTERN} characters; got {len(pattern)}")
    if pattern.count("[") + pattern.count("{") > MAX_GROUPS:
        raise PacketError(f"expected at most {MAX_GROUPS} brackets and braces in a pattern; got more: {pattern[:40]!r}")
    if not pattern.startswith("/") or pattern.endswith("/"):
        raise PacketError(f"expected a pattern that begins with a slash and ends with a name; got {pattern[:40]!r}")
    levels: list[Level] = []
    for text in pattern[1:].split("/"):
        if not text:
            if not levels or levels[-1] is not None:
                levels.append(None)
        elif not SIGNS.isdisjoint(text):
            levels.append(read_part(text))
        else:
            levels.append(text)
    return tuple(levels)


class Node:
    """One level of the tree of addresses."""

    __slots__ = ("address", "below")

    def __init__(self) -> None:
        self.address: str | None = None  # of a parameter here
        self.below: dict[str, Node] = {}


class Addresses:
    """The addresses of a board, as patterns ask for them. Belongs to one thread.

    It follows the board: after a change of the set of addresses the next question costs a rebuild.
    """

    def __init__(self, tree: ParameterTree) -> None:
        self._tree = tree
        self._version = -1
        self._root = Node()
        self._names: dict[str, Name] = {}  # those that a pattern has met
        self._depth = 0
        self._recent: dict[str, tuple[str, ...]] = {}  # the oldest first

    def known(self, pattern: str) -> tuple[str, ...] | None:
        """What `matching` answered lately, or None where it would have to work."""
        if self._version != self._tree.version:
            return None
        found = self._recent.pop(pattern, None)
        if found is not None:
            self._recent[pattern] = found
        return found

    def matching(self, pattern: str) -> tuple[str, ...]:
        """All addresses that a pattern matches; perhaps none. Raises PacketError for a pattern that is refused."""
        if self._version != self._tree.version:
            self._rebuild()
        found = self.known(pattern)
        if found is None:
            found = self._expand(read(pattern))
            if len(self._recent) >= MAX_REMEMBERED:
                del self._recent[next(iter(self._recent))]
            self._recent[pattern] = found
        return found

    def _rebuild(self) -> None:
        self._version = self._tree.version  # read first: a change meanwhile is seen by the next question
        self._recent.clear()
        self._root, self._names, self._depth = Node(), {}, 0
        for address in self._tree.leaves():
            node = self._root
            parts = address[1:].split("/")
            self._depth = max(self._depth, len(parts))
            for part in parts:
                child = node.below.get(part)
                if child is None:
                    child = node.below[part] = Node()
                node = child
            node.address = address

    def _expand(self, levels: tuple[Level, ...]) -> tuple[str, ...]:
        if sum(level is not None for level in levels) > self._depth:
            return ()
        nodes = [self._root]
        for level in levels:
            if level is None:
                nodes = _with_all_below(nodes)
            elif isinstance(level, str):
                nodes = [node.below[level] for node in nodes if level in node.below]
            else:
                nodes = self._step(nodes, level)
            if not nodes:
                break
        return tuple(node.address for node in nodes if node.address is not None)

    def _step(self, nodes: list[Node], part: Part) -> list[Node]:
        verdicts: dict[str, bool] = {}  # the same names stand below many nodes
        found: list[Node] = []
        for node in nodes:
            for text, child in node.below.items():
                verdict = verdicts.get(text)
                if verdict is None:
                    name = self._names.get(text)
                    if name is None:
                        name = self._names[text] = Name(text)
                    verdict = verdicts[text] = part.matches(name)
                if verdict:
                    found.append(child)
        return found


def _with_all_below(nodes: list[Node]) -> list[Node]:
    """These nodes and all below them, each once."""
    found = dict.fromkeys(nodes)
    waiting = list(nodes)
    while waiting:
        for child in waiting.pop().below.values():
            if child not in found:
                found[child] = None
                waiting.append(child)
    return list(found)


class Budget:
    """How much time fresh patterns may cost: `limit_s` in every `window_s`, on average. Pure: the caller brings the clock.

    A pattern is begun while anything is left, and what it costs beyond that is owed by the next ones:

        found = addresses.known(pattern)
        if found is None and budget.open(now_s):
            began_s = time.perf_counter()
            try:
                found = addresses.matching(pattern)
            finally:
                budget.spend(time.perf_counter() - began_s)
    """

    def __init__(self, limit_s: float = 0.002, window_s: float = 0.05) -> None:
        self._limit_s, self._window_s = limit_s, window_s
        self._left_s = limit_s
        self._now_s = -float("inf")
        self.refused = 0  # patterns turned away

    def open(self, now_s: float) -> bool:
        """Whether a fresh pattern may be worked on at `now_s`, by a clock that never runs backwards; if not, it is counted."""
        if now_s > self._now_s:
            earned_s = (now_s - self._now_s) / self._window_s * self._limit_s
            self._left_s = min(self._left_s + earned_s, self._limit_s)
            self._now_s = now_s
        if self._left_s > 0.0:
            return True
        self.refused += 1
        return False

    def spend(self, cost_s: float) -> None:
        """What the pattern that was let through has cost."""
        self._left_s -= cost_s
