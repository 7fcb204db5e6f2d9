"""A still picture."""

from engine.control.action import Action, FilmControl
from engine.core.registry import register


@register("action", "shot")
class Shot(Action):
    """A still picture of what is shown, as PNG."""

    address = "/shot"
    in_film = True

    def do(self, show: FilmControl) -> None:
        show.save_still()
