"""Actions: what a performer asks for once, declared with what it does. Every call counts; an action has no base."""

import inspect
import logging
import math
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from engine.core.params import Leaf, Param, ParamError
from engine.core.registry import PACKAGES, lookup, names, origin
from engine.core.value import Value

log = logging.getLogger("clavilux.actions")
FARTHEST = 1e9  # of a number among the arguments
BANG = "bang"  # Max and Pure Data say so for a button
LONGEST = 1024  # characters of a text among them


class FilmControl(Protocol):
    """What an action may ask of a film as well as of a show in real time."""

    def say(self, message: str) -> None:
        """Tell the performer."""

    def refuse(self, message: str) -> None:
        """Count what was asked in vain, and say it at most once a second."""

    def load_patch(self, name: str) -> None:
        """Cross-fade to a patch; one that cannot be played leaves the old one, and is said."""

    def save_still(self) -> None:
        """Write what is shown as PNG."""


class ShowControl(FilmControl, Protocol):
    """What an action may ask of a show in real time. The thread that draws calls it, so nothing here waits."""

    def load_model(self, name: str) -> None:
        """Warm a model beside the one that plays, then cross-fade to it; one that fails leaves the old one, and is said."""

    def record(self, on: bool) -> None:
        """Write what is shown and heard to a new file, or end that."""

    def listen_live(self, on: bool) -> None:
        """Listen to the live input, or to the track again."""

    def save_show(self, folder: Path) -> None:
        """Keep the show as it stands as a folder."""

    def unassign_midi(self, macro: int) -> None:
        """Take a macro (0: all) back from the MIDI controllers that were given it."""


class Action:
    """Base of all actions. `do` takes the show and the arguments, whose types and defaults its signature declares.

    Arguments may be str, int, float and bool; those with a default may be left out. The docstring's first line is what it
    does, in words. `do` is called by the thread that draws, in the order of the calls; errors of what was asked (LookupError,
    ValueError, OSError) are told as refusals.
    """

    address: ClassVar[str]
    in_film: ClassVar[bool] = False  # whether a film does it too: `do` then takes a FilmControl
    state: ClassVar[Value | None] = None  # what a query is answered before the show says more; None: there is nothing to ask
    do: Callable[..., None]


class ActionParam(Param):
    """An action's place in the tree: its leaf's base is the state that a query is answered with, and never set by a hand."""

    def __init__(self, action: type[Action]) -> None:
        super().__init__("" if action.state is None else action.state, doc=(action.__doc__ or "").partition("\n")[0])
        self._state = Param(self.default, doc=self.doc)
        self.kind, self.name, self.action = "action", action.address.strip("/"), action
        self.holds = action.state is not None
        self.arguments = _arguments(action)

    def check(self, raw: object) -> Value:
        """A state, as a query is answered with. Raises ParamError."""
        return self._state.check(raw) if self.kind == "action" else super().check(raw)

    @property
    def usage(self) -> str:
        """The call in words: `/scene/go NAME [SECONDS]`."""
        words = [name.upper() if required else f"[{name.upper()}]" for name, _, required in self.arguments]
        return " ".join((self.action.address, *words))

    def check_arguments(self, given: Sequence[object]) -> tuple[Value, ...] | None:
        """The arguments of one call; None for a button let go, which is no call. Raises ParamError.

        An action without arguments takes the number of a button: above 0 it was pressed. One that takes a name takes a whole
        number above 0 for it, as its digits; a lone 0 is a button let go.
        """
        if not self.arguments and len(given) == 1 and isinstance(given[0], int | float) and math.isfinite(given[0]):
            return () if given[0] > 0 else None
        least = sum(required for *_, required in self.arguments)
        if not least <= len(given) <= len(self.arguments):
            raise ParamError(f"expected {self.usage}; got {len(given)} arguments")
        if any(isinstance(raw, str) and len(raw) > LONGEST for raw in given):
            raise ParamError(f"expected texts of at most {LONGEST} characters in {self.usage}; got a longer one")
        if self.takes_text and len(given) == 1 and isinstance(given[0], int | float) and given[0] == 0:
            return None
        told = zip(self.arguments, given, strict=False)
        return tuple(param.check(_digits(raw) if param.kind == "text" else raw) for (_, param, _), raw in told)

    @property
    def takes_text(self) -> bool:
        """Whether the first argument is a text."""
        return bool(self.arguments) and self.arguments[0][1].kind == "text"

    def is_bang(self, given: Sequence[object]) -> bool:
        """Whether these arguments are the press of a button in the words of Max and Pure Data."""
        return not self.takes_text and tuple(given) == (BANG,)

    def toggled(self, state: Value) -> tuple[Value, ...]:
        """The arguments of a button that is pressed while the action's state is `state`: a switch is thrown."""
        return (not state,) if isinstance(state, bool) else ()


def _digits(raw: object) -> object:
    """A whole number as text: hosts whose buttons send numbers ask for the third patch with 3."""
    whole = isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) <= FARTHEST and raw == int(raw)
    return str(int(raw)) if whole else raw  # type: ignore[call-overload]


def action_leaves(taken: Collection[str] = ()) -> dict[str, Leaf]:
    """Every registered action by its address, to be placed in a tree in which some are `taken`.

    An installed package's is left out, with a line in the log, where its address is taken or it is badly declared. Raises
    TypeError for a badly declared one of the program's own.
    """
    leaves: dict[str, Leaf] = {}
    for name in sorted(names("action"), key=lambda name: origin("action", name) != ""):  # the program's own first
        package = origin("action", name)
        try:
            param = ActionParam(lookup("action", name))
            address = param.action.address
            if package and (address in taken or address in leaves):
                raise ValueError(f"expected a new address; got {address}, which is taken")
            leaves[address] = Leaf(param)
        except Exception as error:
            if not package:
                raise
            log.warning("action %s of %s: %s; left it out", name, package, " ".join(str(error).split()))
    return leaves


def gives_way(leaf: Leaf) -> bool:
    """Whether a leaf is a package's action, which gives its address up to any parameter: a patch's are known late."""
    return isinstance(leaf.param, ActionParam) and not leaf.param.action.__module__.startswith(f"{PACKAGES['action']}.")


def giving_way(leaves: Mapping[str, Leaf], placed: Collection[str]) -> list[str]:
    """The addresses of those among `leaves` that give way where others are to be `placed`; each is logged."""
    found = [address for address in placed if address in leaves and gives_way(leaves[address])]
    for address in found:
        log.warning("expected a new address of an action; got %s, which a parameter takes; left the action out", address)
    return found


def _arguments(action: type[Action]) -> tuple[tuple[str, Param, bool], ...]:
    """Name, kind and whether it must be given, of each argument of `do` after the show."""
    hints = typing.get_type_hints(action.do)
    found = []
    for name, item in list(inspect.signature(action.do).parameters.items())[2:]:
        defaults: dict[object, Value] = {str: "", int: 0, float: 0.0, bool: False}
        if hints.get(name) not in defaults or item.kind is not item.POSITIONAL_OR_KEYWORD:
            raise TypeError(f"expected arguments of str, int, float or bool in {action.__qualname__}.do; got {item}")
        param = Param(defaults[hints[name]], low=-FARTHEST, high=FARTHEST, doc=name)
        param.name = name
        found.append((name, param, item.default is item.empty))
    return tuple(found)
