"""What a supervisor tells the show it starts, by way of the environment: the command line stays the user's own."""

import json
import os
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass, fields

VARIABLE = "CLAVILUX_SUPERVISED"
NO_DISPLAY = 69  # exit code of a show that was started again and finds no display: no fault of its own
NONE_LEFT = "expected a journal of the last show; found none; started afresh"


@dataclass(frozen=True, slots=True)
class LaunchEnvironment:
    """One lifetime of a show. Without a supervisor `pipe` is negative."""

    parent: int = 0  # the supervisor's process
    pipe: int = -1  # where to send heartbeats: a file descriptor, on Windows a handle
    journal: str = ""  # the file to keep the state in; empty: none
    resume: str = ""  # the journal to take back; empty: none
    safe: bool = False  # nothing of the user's
    life: int = 0  # how many there were before
    why: str = ""  # what ended the one before
    left_s: float | None = None  # of the seconds the user asked for

    def environment(self) -> dict[str, str]:
        """As the variable of the environment that `take` reads."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def take(cls, environ: MutableMapping[str, str] = os.environ) -> "LaunchEnvironment | None":
        """The orders given to this process, if any; its own children do not see them. Raises ValueError for what is none."""
        text = environ.pop(VARIABLE, None)
        if text is None:
            return None
        try:
            given = json.loads(text)
            launch = cls(**given)
        except (ValueError, TypeError):
            raise ValueError(f"expected a supervisor's orders in {VARIABLE}; got {text[:80]!r}") from None
        for field in fields(cls):
            value, kinds = getattr(launch, field.name), KINDS[field.name]
            if not isinstance(value, kinds):
                raise ValueError(f"expected {kinds} for {field.name} in {VARIABLE}; got {value!r}")
        return launch


KINDS: dict[str, tuple[type, ...]] = {
    "parent": (int,),
    "pipe": (int,),
    "journal": (str,),
    "resume": (str,),
    "safe": (bool,),
    "life": (int,),
    "why": (str,),
    "left_s": (int, float, type(None)),
}
