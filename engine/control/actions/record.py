"""Recording."""

from engine.control.action import Action, ShowControl
from engine.core.registry import register


@register("action", "record")
class Record(Action):
    """Write what is shown and heard to a file, until called with 0."""

    address = "/record"
    state = False

    def do(self, show: ShowControl, on: bool) -> None:
        show.record(on)
