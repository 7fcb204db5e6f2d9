"""Names of MIDI ports that stay when numbers shift, and what to do about a port that does not open."""

from collections.abc import Iterable

ALSA, WINDOWS = "LINUX_ALSA", "WINDOWS_MM"  # RtMidi's names of the systems


def plain_name(name: str, system: str) -> str:
    """A port's name without the numbers that RtMidi adds and that shift: `nano 20:0` under ALSA, `nano 1` on Windows."""
    head, _, tail = name.rpartition(" ")
    client, colon, port = tail.partition(":")
    numbered = (system == ALSA and colon and client.isdecimal() and port.isdecimal()) or (system == WINDOWS and tail.isdecimal())
    return head if head and numbered else name


def unused_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or, for the second of two equal devices, `name #2`."""
    taken, number, found = set(taken), 1, name
    while found in taken:
        number += 1
        found = f"{name} #{number}"
    return found


def refusal(name: str, system: str, error: Exception) -> str:
    """What to do about a port that does not open."""
    way_out = "it is tried again"
    if system == WINDOWS:
        way_out = (
            "another program has it: close it there, or let both share it through a loop-back port such as loopMIDI, "
            "or through Windows MIDI Services, which share every port; it is tried again"
        )
    return f"expected to open the MIDI input {name}; got: {error}; {way_out}"
