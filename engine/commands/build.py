"""`clavilux build`: compiles a model before the show, for this machine or for the cards of others."""

import click

from engine.commands.shared import RuntimeOption


def read_targets(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """sm86,sm89 as ("sm86", "sm89"). Raises click.BadParameter."""
    targets = tuple(filter(None, value.replace(" ", "").lower().split(",")))
    for target in targets:
        if not (target.startswith("sm") and target[2:].isdigit() and len(target) in (4, 5)):
            raise click.BadParameter(f"expected compute capabilities such as sm86,sm89,sm120; got {target!r}")
    return targets


@click.command(epilog="Example: clavilux build light --runtime tensorrt-rtx --for sm86,sm89,sm120")
@click.argument("model", default="light")
@click.option(
    "--runtime",
    metavar="RUNTIME",
    cls=RuntimeOption,
    help="What executes the model, one of {compiled}. Without it, the best that works here.",
)
@click.option(
    "--for", "targets", default="", metavar="CARDS", callback=read_targets, help="Other machines' cards, by capability."
)
def command(model: str, runtime: str | None, targets: tuple[str, ...]) -> None:
    """Compile MODEL for what executes it, so that the show need not: TensorRT's engines, OpenVINO's graphs.

    Plans of TensorRT for RTX can be built without a card, and for the cards of other machines.
    """
    from engine.core import resources
    from engine.runtime.available import availabilities, availability, backend, compiled_runtimes
    from engine.runtime.backend import CompiledBackend
    from engine.runtime.card import load_card
    from engine.runtime.compile.compiled_model import Compilation, entry, ready

    card = load_card(resources.model_folder(model))
    compiled = compiled_runtimes()
    portable = [name for name in compiled if (kind := backend(name)) and issubclass(kind, CompiledBackend) and kind.portable]
    if runtime is None:
        works = (found.runtime for found in availabilities() if found.works and found.runtime in compiled)
        runtime = portable[0] if targets else next(works, compiled[-1])
    backend(runtime)  # refuses an unknown name
    if runtime not in compiled:
        raise click.UsageError(f"expected a runtime that models are compiled for, one of {', '.join(compiled)}; got {runtime}")
    if targets and runtime not in portable:
        raise click.UsageError(f"expected {' or '.join(portable)} with --for: {runtime} builds for this machine alone")
    if not targets and not (found := availability(runtime)).works:
        advice = f": {found.advice}" if found.advice else "; with --for it builds for other cards" * (runtime in portable)
        raise click.ClickException(f"expected a runtime that works here; got {runtime}: {found.found}{advice}")
    for target in targets or ("",):
        kept = entry(card, runtime, target)
        assert kept is not None
        if target or not ready(card, runtime):
            try:
                Compilation(card, runtime, target).finish(lambda words: click.echo(f"  {words}"))
            except RuntimeError as error:
                raise click.ClickException(str(error)) from error
        kept.check()
        click.echo(f"{card.name} for {runtime}{f' on {target}' if target else ''}: {kept.folder}")
