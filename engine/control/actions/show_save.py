"""The show as it stands, kept as a folder."""

from engine.control.action import Action, ShowControl
from engine.core import resources
from engine.core.registry import register


@register("action", "show_save")
class ShowSave(Action):
    """Keep the show as it stands under a name, for `clavilux play --show NAME`."""

    address = "/show/save"

    def do(self, show: ShowControl, name: str) -> None:
        if not resources.is_name(name):
            raise ValueError(f"expected a show's name of letters, digits, blanks, - and _; got {name[:80]!r}")
        show.save_show(resources.home() / "shows" / name)
