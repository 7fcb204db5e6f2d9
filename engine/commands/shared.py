"""What several commands share: values, names and parameters on a command line."""

import math
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.core.params import SWITCH_WORDS
from engine.instrument.show_params import Switches
from engine.show.options import PlayOptions

if TYPE_CHECKING:
    from engine.control.tree import ParamTree
    from engine.core.params import Leaf, Param


class Between(click.FloatRange):
    """click's range of numbers, without those that are none: every comparison with NaN is false, so it lies in any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"expected a finite number; got {value}", param, ctx)
        return number


class OutputOption(click.Option):
    """An option that takes an output; its help names those there are, with a target each."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from engine.core.registry import lookup, names

        known = ", ".join(f"{name}:{lookup('sink', name).example}" for name in names("sink"))
        self.help = (self.help or "").replace("{outputs}", known)
        return super().get_help_record(ctx)


class RuntimeOption(click.Option):
    """An option that takes a runtime; its help names those there are, and looks for them only when it is read."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from engine.runtime.available import compiled_runtimes, runtimes

        known = compiled_runtimes() if self.help and "{compiled}" in self.help else runtimes()
        self.help = (self.help or "").replace("{compiled}", "{runtimes}").replace("{runtimes}", ", ".join(known))
        return super().get_help_record(ctx)


def _add_assets(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    from engine.core import resources

    if value is not None and not ctx.resilient_parsing:
        resources.add_assets(value)


# For commands that read the shelves: play and render take it as one of their options.
assets_option = click.option(
    "--assets",
    type=click.Path(path_type=Path),
    metavar="DIR",
    expose_value=False,
    callback=_add_assets,
    help="A folder with your own patches, shaders, models.",
)


def read_size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """WIDTHxHEIGHT as two numbers, both even, as video encoders need. Raises click.BadParameter."""
    width, _, height = value.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise click.BadParameter(f"expected WIDTHxHEIGHT such as 1280x720; got {value!r}")
    size = int(width), int(height)
    if any(side % 2 or not 16 <= side <= 8192 for side in size):
        raise click.BadParameter(f"expected even sides from 16 to 8192; got {value!r}")
    return size


def complete_patch(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of patches that begin so."""
    from engine.core import resources

    return [path.stem for path in resources.listing("patches", "*.toml") if path.stem.startswith(incomplete)]


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of models that begin so."""
    from engine.core import resources

    return [path.name for path in resources.models() if path.name.startswith(incomplete)]


def complete_show(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of shows that begin so."""
    from engine.core import resources

    return [name for name in resources.show_names() if name.startswith(incomplete)]


def split_flags(args: list[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Part arguments into those that are not parameter flags, and (address, value as text) of those that are.

    A switch at the root of the tree, as `--blackout`, may stand alone. Raises click.UsageError for a flag without its value.
    """
    switches = {param.name for param in Switches.params() if param.holds}
    rest: list[str] = []
    given: list[tuple[str, str]] = []
    words = deque(args)
    while words:
        word = words.popleft()
        name, equals, value = word.removeprefix("--").partition("=")
        if word == "--":
            return [*rest, word, *words], tuple(given)
        if not word.startswith("--") or ("." not in name and name not in switches):
            rest.append(word)
            continue
        if not equals and name in switches and not (words and words[0].lower() in SWITCH_WORDS):
            value = "on"
        elif not equals:
            if not words:
                raise click.UsageError(f"expected a value after --{name}, as in --{name} 0.5")
            value = words.popleft()
        given.append(("/" + name.replace(".", "/"), value))
    return rest, tuple(given)


def usual_patch(model: str) -> str:
    """The patch that plays a model where nobody names one: its card says which, or its classes do."""
    from engine.core import resources
    from engine.instrument import instrument
    from engine.runtime.card import load_card

    card = load_card(resources.model_folder(model), verify=False)
    return instrument.usual_patch(card.info(""), PlayOptions().patch)


def tree_of(patch: str, model: str) -> "ParamTree":
    """Every parameter of a show that plays `patch` with `model`; nothing is started. Raises what loading them raises."""
    from engine.core import resources
    from engine.instrument.instrument import Instrument, find_patch
    from engine.runtime.card import load_card

    card = load_card(resources.model_folder(model), verify=False)
    return Instrument(find_patch(patch), card.info("")).tree


def flag_of(leaf: "Leaf") -> str:
    """The command-line flag of a parameter; empty for what holds no value to begin with, as triggers and actions."""
    if not leaf.param.holds or leaf.param.kind == "action":
        return ""
    return "--" + leaf.address.strip("/").replace("/", ".")


def span(param: "Param") -> str:
    """A parameter's range in words; of an action, how it is called."""
    from engine.control.action import ActionParam

    if isinstance(param, ActionParam):
        return param.usage
    if param.kind == "choice":
        return ", ".join(param.choices)
    if param.kind in ("float", "int", "vector"):
        return f"{param.low:g} to {param.high:g}{', exponential' if param.curve == 'exp' else ''}"
    return {"bool": "on, off", "trigger": "above 0 fires"}.get(param.kind, "any")


def written(value: object) -> str:
    """A value as a command line takes it."""
    if isinstance(value, tuple):
        return ",".join(f"{item:g}" for item in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
