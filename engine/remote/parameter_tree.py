"""The parameter tree as remotes see it: `engine.control.tree.ParamTree` is one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.core.params import Leaf


class ParameterTree(Protocol):
    """All of it may be called from any thread."""

    @property
    def version(self) -> int:
        """Counts every change of the set of addresses."""

    def __contains__(self, address: object) -> bool: ...

    def leaf(self, address: str) -> Leaf:
        """Raises LookupError that names near misses."""

    def leaves(self) -> Mapping[str, Leaf]:
        """A copy of all leaves by address."""

    def former(self) -> Mapping[str, str]:
        """Addresses of old that still answer, unlisted -> those that took their place."""

    def post(self, address: str, raw: object, t_posted: float | None = None) -> None:
        """A new base, in force from the next tick; the latest wins. Raises LookupError or ParamError: nothing then changes.

        `t_posted` is the time.monotonic() of the hand's own doing, now unless the caller knows better.
        """

    def call(self, address: str, arguments: Sequence[object] = (), t_posted: float | None = None) -> None:
        """Ask for an action, in its turn; each call counts. Raises as `post` does."""

    def press(self, address: str, t_posted: float | None = None) -> None:
        """What a button does: it fires a trigger, throws a switch, or calls an action. Raises as `post` does."""

    def post_normalised(self, address: str, position: float, t_posted: float | None = None) -> None:
        """`post` the value at `position` of 0..1 on the parameter's curve. Raises as `post` does."""
