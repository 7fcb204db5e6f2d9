"""Macros that MIDI controllers were given."""

from engine.control.action import Action, ShowControl
from engine.core.registry import register

MACROS = 8


@register("action", "midi_unassign")
class MidiUnassign(Action):
    """Take macro 1..8 back from the MIDI controllers that were given it, or with 0 all of them."""

    address = "/midi/unassign"

    def do(self, show: ShowControl, macro: int = 0) -> None:
        if not 0 <= macro <= MACROS:
            raise ValueError(f"expected a macro of 1..{MACROS}, or 0 for all; got {macro}")
        show.unassign_midi(macro)
