"""The performance keys: one table from which presses, the help on the operator's window and the manual all come."""

import math
from dataclasses import dataclass, field, replace

QUIT_WITHIN_S = 2.0
MASTER_STEP = 0.05
NUDGE_BEATS = 0.02
OFFSET_STEP_MS = 5.0


@dataclass(frozen=True, slots=True)
class KeyCommand:
    """What a key asks of the show. A name that begins with a slash is a parameter's address.

    A `value` is set; without one a switch is thrown, a trigger fires, an action is called; with `step` the value is added.
    `t` is when the key was pressed, in the seconds that `Keyboard.press` was given; None in the table.
    """

    name: str
    value: float | None = None
    step: bool = False
    t: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table. `names` are lower-case key names of the performer's own layout."""

    names: tuple[str, ...]
    command: KeyCommand
    label: str
    doc: str
    repeats: bool = False


KEYS = (
    *(Key((str(n),), KeyCommand("patch", n), "1-9" if n == 1 else "", "patch" if n == 1 else "") for n in range(1, 10)),
    Key(("i",), KeyCommand("/live"), "I", "live input or the track"),
    Key(("f",), KeyCommand("/freeze"), "F", "freeze the picture"),
    Key(("b",), KeyCommand("/blackout"), "B", "blackout"),
    Key(("m",), KeyCommand("model"), "M", "the next model"),
    Key(("p",), KeyCommand("/panic"), "P", "panic: the patch as saved"),
    Key(("up", "]"), KeyCommand("/master/level", MASTER_STEP, step=True), "Up  ]", "master up", repeats=True),
    Key(("down", "["), KeyCommand("/master/level", -MASTER_STEP, step=True), "Down  [", "master down", repeats=True),
    Key(("s",), KeyCommand("/shot"), "S", "still picture"),
    Key(("r",), KeyCommand("/record"), "R", "record, and stop"),
    Key(("f11",), KeyCommand("fullscreen"), "F11", "full screen, and back"),
    Key(("t",), KeyCommand("/tempo/tap"), "T", "tap the beat"),
    Key(("enter",), KeyCommand("/tempo/resync"), "Enter", "the one of the bar"),
    Key(("-",), KeyCommand("/tempo/half"), "-  =  +", "half, double tempo"),
    Key(("=", "+"), KeyCommand("/tempo/double"), "", ""),
    Key((",",), KeyCommand("/tempo/nudge", -NUDGE_BEATS), ",  .", "beats later, earlier", repeats=True),
    Key((".",), KeyCommand("/tempo/nudge", NUDGE_BEATS), "", "", repeats=True),
    Key(("l",), KeyCommand("/tempo/release"), "L", "let the tempo go"),
    Key(("k",), KeyCommand("/sync/calibrate"), "K", "flash and click on beats"),
    Key(
        ("left",), KeyCommand("/sync/offset_ms", -OFFSET_STEP_MS, step=True), "Left Right", "picture later, earlier", repeats=True
    ),
    Key(("right",), KeyCommand("/sync/offset_ms", OFFSET_STEP_MS, step=True), "", "", repeats=True),
    Key(("u",), KeyCommand("/midi/unassign"), "U", "free the MIDI macros"),
    Key(("y",), KeyCommand("allow"), "Y", "let an OSC sender in"),
    Key(("h",), KeyCommand("help"), "H", "these keys"),
    Key(("escape", "q"), KeyCommand("quit"), "Esc  Q", "quit: press twice"),
)
_BY_NAME = {name: key for key in KEYS for name in key.names}


class Keyboard:
    """Collects the commands of all windows between two polls. Belongs to the thread that polls GLFW.

    Quitting takes two presses within two seconds, so that a slip ends no show.
    """

    def __init__(self) -> None:
        self.help_shown = False
        self._quit_asked_s = -math.inf
        self._waiting: list[KeyCommand] = []

    def press(self, name: str, now_s: float, held: bool = False) -> None:
        """Take the press of a key by its name; `held` marks the keyboard's own repeats. Unknown keys do nothing."""
        key = _BY_NAME.get(name)
        if key is None or (held and not key.repeats):
            return
        if key.command.name == "help":
            self.help_shown = not self.help_shown
        elif key.command.name == "quit" and not self.quit_asked(now_s):
            self._quit_asked_s = now_s
        else:
            self._waiting.append(replace(key.command, t=now_s))

    def quit_asked(self, now_s: float) -> bool:
        """Whether the next press quits."""
        return now_s - self._quit_asked_s <= QUIT_WITHIN_S

    def take(self) -> tuple[KeyCommand, ...]:
        """The commands since the last call, in order."""
        taken, self._waiting = tuple(self._waiting), []
        return taken
