"""Another model."""

from engine.control.action import Action, ShowControl
from engine.core.registry import register
from engine.core.resources import model_names, on_shelf


@register("action", "model_load")
class ModelLoad(Action):
    """Warm a model by its name and cross-fade to it; a query is answered with the name of the one that plays."""

    address = "/model/load"
    state = ""

    def do(self, show: ShowControl, name: str) -> None:
        show.load_model(on_shelf("model", name, model_names()))
