"""What `clavilux play` and `clavilux render` have in common: options, parameters as flags, and shows."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from engine.commands.shared import (
    Between,
    OutputOption,
    RuntimeOption,
    complete_model,
    complete_show,
    flag_of,
    read_size,
    split_flags,
    tree_of,
    usual_patch,
)
from engine.show.options import PlayOptions

if TYPE_CHECKING:
    from engine.outputs.sink import Sink
    from engine.show.show_folder import ShowFolder

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class PerformanceCommand(click.Command):
    """Takes every parameter as a flag: `--walk.jitter 0.3` is /walk/jitter, `--blackout` is /blackout; click sees the rest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest, given = split_flags(args)
        ctx.meta["words"], ctx.meta["params"] = tuple(args), given
        return super().parse_args(ctx, rest)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("--"):
            model = ctx.params.get("model") or PlayOptions().model
            tree = tree_of(ctx.params.get("patch") or usual_patch(model), model)
            known = {option for param in self.params for option in param.opts}
            flags = [flag for address in tree if (flag := flag_of(tree.leaf(address))) and flag not in known]
            found += [CompletionItem(flag) for flag in flags if flag.startswith(incomplete)]
        return found


OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--model",
        default="light",
        metavar="MODEL",
        shell_complete=complete_model,
        show_default=True,
        help="A model of `clavilux models`, or a folder with one.",
    ),
    click.option(
        "--runtime",
        default="auto",
        metavar="RUNTIME",
        show_default=True,
        cls=RuntimeOption,
        help="What executes the network: {runtimes}; auto: the best that is ready.",
    ),
    click.option("--size", default="1280x720", metavar="WxH", callback=read_size, show_default=True, help="Size of the output."),
    click.option("--seconds", type=Between(0, min_open=True), metavar="N", help="End after N seconds, with exit code 0."),
    click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="NAME:TARGET",
        cls=OutputOption,
        help="Another output, may be repeated: a film's path, or one such as {outputs}.",
    ),
    click.option(
        "--seed", default=0, type=click.IntRange(0), show_default=True, help="Another seed, another path through the same look."
    ),
    click.option("--show", default="", metavar="NAME", shell_complete=complete_show, help="A show: its name, or its folder."),
    click.option(
        "--assets", type=click.Path(path_type=Path), metavar="DIR", help="A folder with your own patches, shaders, models."
    ),
    click.option(
        "--set",
        "settings",
        nargs=2,
        multiple=True,
        metavar="ADDRESS VALUE",
        help="Set a parameter, as in --set /walk/jitter 0.3.",
    ),
)


def performance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a command with the options of all performances."""
    return reduce(lambda decorated, option: option(decorated), reversed(OPTIONS), command)


def open_show(ctx: click.Context, given: dict[str, Any]) -> "ShowFolder | None":
    """Put a show's settings among what was `given`, and its assets before all others; what the user named stays as named.

    None where no show was asked for. Raises ShowError or FileNotFoundError.
    """
    from engine.core import resources
    from engine.show.show_folder import AUDIO, find_show, load_show

    if not given["show"]:
        return None
    folder = find_show(given["show"])
    show = load_show(folder)
    resources.add_assets(folder)
    given["show"] = str(folder)
    for name, value in show.settings.items():
        if value and name in ("osc_bind", "osc_tcp", "osc_allow", "outputs"):
            said = value if isinstance(value, str) else ", ".join(value)
            click.echo(f"clavilux: from the show {folder.name}: {name} = {said}", err=True)  # its author may open ports
        option = {"rate_hz": "fps"}.get(name, name)
        if option in given and ctx.get_parameter_source(option) is not ParameterSource.COMMANDLINE:
            given[option] = value
            if name == "audio" and str(value).startswith(f"{AUDIO}/"):
                given[option] = str(folder / str(value))
    return show


def check_params(given: tuple[tuple[str, str], ...], patch: str, model: str) -> None:
    """Before anything is started: refuse what is no parameter, or not its kind of value. Raises click.UsageError."""
    if not given:
        return
    tree = tree_of(patch, model)
    for address, text in given:
        try:
            tree.leaf(address).param.parse(text)
        except (LookupError, ValueError) as error:
            raise click.UsageError(f"{address}: {error}, from the command line; see `clavilux params {patch}`") from None


def check_outputs(outputs: tuple[str, ...], record: Path | None) -> None:
    """Before anything is started: refuse an output that is none, or is there twice. Raises click.UsageError."""
    from engine.outputs.film import FilmSink

    titles: dict[str, str] = {}  # by place
    places = [(sink.title, sink.path if isinstance(sink, FilmSink) else None) for sink in made_outputs(outputs)]
    for title, path in (*places, *([] if record is None else [(str(record), record)])):
        place = title if path is None else str(path.resolve())  # show.mp4, ./show.mp4 and the whole path are one file
        if place in titles:
            also = "" if titles[place] == title else f", once as {titles[place]}"
            raise click.UsageError(f"expected different outputs; got {title} twice{also}")
        titles[place] = title


def made_outputs(outputs: tuple[str, ...]) -> "list[Sink]":
    """The sinks that are asked for, not open. Raises click.UsageError for an output that is none."""
    from engine.outputs.sink import make_sink

    try:
        return [make_sink(text) for text in outputs]
    except ValueError as error:
        raise click.UsageError(str(error)) from None
