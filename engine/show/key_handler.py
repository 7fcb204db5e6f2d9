"""What the performer's keys ask of a show: most of it by way of the tree, where OSC and MIDI ask too."""

from collections.abc import Callable

from engine.control.tree import ParamTree
from engine.core.resources import model_names, patch_names
from engine.instrument.show_params import LOAD_MODEL, LOAD_PATCH
from engine.windows.keys import KeyCommand


class KeyHandler:
    """Does what keys ask. Belongs to the thread that draws.

    `let_in` admits the OSC sender that is shown, `end` ends the show, `refuse` is told what cannot be.
    """

    def __init__(
        self, tree: ParamTree, let_in: Callable[[], None], end: Callable[[], None], refuse: Callable[[str], None]
    ) -> None:
        self._tree, self._let_in, self._end, self._refuse = tree, let_in, end, refuse

    def handle(self, command: KeyCommand) -> None:
        """One key's command."""
        try:
            self._do(command)
        except (LookupError, ValueError) as error:
            self._refuse(f"{error.args[0]}, from the keyboard; kept what plays")

    def _do(self, command: KeyCommand) -> None:
        if command.name.startswith("/"):
            self._press(command)
        elif command.name == "patch":
            number, known = int(command.value or 0), patch_names()
            if number <= len(known):
                self._tree.call(LOAD_PATCH, (known[number - 1],), command.t)
        elif command.name == "model":
            known, playing = model_names(), self._tree.leaf(LOAD_MODEL).base
            at = known.index(playing) if isinstance(playing, str) and playing in known else -1
            self._tree.call(LOAD_MODEL, (known[(at + 1) % len(known)],), command.t)
        elif command.name == "allow":
            self._let_in()
        elif command.name == "quit":
            self._end()

    def _press(self, command: KeyCommand) -> None:
        leaf = self._tree.leaf(command.name)
        if command.step:
            self._tree.post(command.name, float(leaf.base) + (command.value or 0.0), command.t)  # type: ignore[arg-type]
        elif command.value is not None:
            self._tree.post(command.name, command.value, command.t)
        else:
            self._tree.press(command.name, command.t)
