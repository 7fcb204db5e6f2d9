"""Another patch."""

from engine.control.action import Action, FilmControl
from engine.core.registry import register
from engine.core.resources import on_shelf, patch_names


@register("action", "patch_load")
class PatchLoad(Action):
    """Cross-fade to a patch by its name; a query is answered with the name of the one that plays."""

    address = "/patch/load"
    in_film = True
    state = ""

    def do(self, show: FilmControl, name: str) -> None:
        show.load_patch(on_shelf("patch", name, patch_names()))
