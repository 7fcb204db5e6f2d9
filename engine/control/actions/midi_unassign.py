"""Macros that MIDI controllers were given."""

from engine.control.action import Action, ShowControl
from engine.core.registry import register

MACROS, ALL = 8, -1


@register("action", "midi_unassign")
class MidiUnassign(Action):
    """Take macro 1..8 back from the MIDI controllers that were given it, or without a number all of them."""

    address = "/midi/unassign"

    def do(self, show: ShowControl, macro: int = ALL) -> None:
        if macro == 0:
            return  # a button that has sent its macro's number is let go: it must not take all
        if macro != ALL and not 1 <= macro <= MACROS:
            raise ValueError(f"expected a macro of 1..{MACROS}, or none for all; got {macro}")
        show.unassign_midi(0 if macro == ALL else macro)
