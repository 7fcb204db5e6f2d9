"""What every host's patch offers: the addresses and names that the engine itself declares."""

from pathlib import Path
from typing import NamedTuple

from engine.control.patch import MACROS
from engine.instrument.show_params import LOAD_PATCH, PANIC

PATCHES = Path(__file__).resolve().parent.parent.parent / "patches"
PORT = 9000  # where the engine listens, unless told otherwise
FEED_PORT = 9001  # where Pure Data listens for the engine's feed


class Fader(NamedTuple):
    """A parameter between 0 and 1."""

    name: str  # a word, as receivers and dials are called: `macro-1`
    address: str
    label: str
    rest: float  # what the engine starts with


class Button(NamedTuple):
    """A parameter that is on or off, or one that fires."""

    name: str
    address: str


FADERS = (
    *(Fader(f"macro-{number}", f"/macro/{number}", name, 0.5) for number, name in enumerate(MACROS, 1)),
    Fader("master", "/master/level", "master", 1.0),
)
SWITCHES = (Button("freeze", "/freeze"), Button("blackout", "/blackout"))
PANIC_BUTTON = Button("panic", PANIC)
TEMPO_BUTTONS = tuple(Button(name, f"/tempo/{name}") for name in ("tap", "resync", "half", "double"))
RESYNC, RELEASE = "/tempo/resync", "/tempo/release"
BPM = "/tempo/bpm"
PATCH = LOAD_PATCH
HELD = (*(fader.address for fader in FADERS), *(switch.address for switch in SWITCHES), PATCH)  # asked for on connecting


def patches() -> tuple[str, ...]:
    """The first nine patches that come with the engine, as the keys 1 to 9 choose them where there are no others."""
    return tuple(sorted(path.stem for path in PATCHES.glob("*.toml"))[:9])
