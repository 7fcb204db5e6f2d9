"""What one performance is asked to be: the command line, checked once and then trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.value import Value

DEMO = "demo"  # the track that comes with the program
TRACK, TEMPO = "track_s", "tempo"  # parts of the journal: where in its file the sound was, and what hands asked of the beat
DEFAULT_OSC = "127.0.0.1:9000"
MidiMacro = tuple[str | int, ...]  # port, channel, controller, the macro it was given, and the encoding of an encoder


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """One performance. `mode` says which of the three ways of performing it is.

    window: real time, shown; headless: real time, drawn but not shown; film: frame by frame, nothing dropped.
    """

    patch: str = "first-light"
    audio: str = DEMO  # demo, synthetic, none, a file, or DEVICE:CHANNELS=NAME,...
    model: str = "light"
    runtime: str = "auto"  # auto, or a registered runtime
    frames: str = "auto"  # which way the network's pictures take to the stage: card, host, or the faster one
    mode: str = "window"  # window, headless, film
    size: tuple[int, int] = (1280, 720)  # width, height of the output
    fullscreen: bool = False
    monitor: str = ""  # part of a monitor's name; empty is the primary one
    seconds: float | None = None  # None: until closed, or a file's end where it is not looped
    record: Path | None = None  # recorded while performing; of a film, its file
    outputs: tuple[str, ...] = ()  # NAME:TARGET, or a film's path: each is given what is shown and heard
    seed: int = 0
    rate_hz: float = 60.0  # display frames a second, asked for
    from_s: float = 0.0  # where in an audio file it begins
    loop: bool = True  # play an audio file again from its start; a film without `seconds` ends with the file all the same
    osc_bind: str = DEFAULT_OSC  # HOST:PORT that listens for OSC over UDP, or off
    osc_tcp: str = ""  # HOST:PORT that listens for OSC over TCP (SLIP); empty: none
    osc_allow: tuple[str, ...] = ()  # hosts beyond this machine that may control the show
    osc_out: tuple[str, ...] = ()  # HOST:PORT of those who are always told what is heard and shown
    osc_timetags: str = "ignore"  # or honour
    midi: str = "auto"  # every input there is; off, or part of a port's name
    resume: bool = False  # take back the state that the last show left
    safe: bool = False  # nothing of the user's: bundled assets, no saved state
    again: bool = False  # it comes back after a crash, by itself: what cannot be had is said, and never ends it
    params: tuple[tuple[str, str], ...] = ()  # (address, value as text), in the order given
    cues: tuple[tuple[float, str], ...] = ()  # of a film: seconds, and "ADDRESS ARGUMENTS" that is posted then
    show: str = ""  # the folder of the show that is played; empty: none
    bases: Mapping[str, Value] = field(default_factory=dict)  # parameters that the show sets
    midi_macros: tuple[MidiMacro, ...] = ()  # that the show gave to controllers

    @property
    def lenient(self) -> bool:
        """Whether what cannot be had is said and waited for: after a crash, and for a show that comes from another machine."""
        return self.again or bool(self.show)
