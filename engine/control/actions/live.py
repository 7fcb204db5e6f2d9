"""The live input, or the track."""

from engine.control.action import Action, ShowControl
from engine.core.registry import register


@register("action", "live")
class Live(Action):
    """Listen to the live input instead of the track, or to the track again with 0."""

    address = "/live"
    state = False

    def do(self, show: ShowControl, on: bool) -> None:
        show.listen_live(on)
