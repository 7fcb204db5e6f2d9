"""`clavilux bench`: measurements of this machine."""

import json
from pathlib import Path

import click

from engine.commands.play import complete_model, complete_patch, read_size


@click.group()
def command() -> None:
    """Measure what this machine does with a performance."""


@command.command(epilog="Example: clavilux bench stage --json bench.json --seconds 60")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures and raw samples to FILE."
)
@click.option(
    "--seconds", type=click.FloatRange(20), default=300.0, show_default=True, help="How long to measure, after the warm-up."
)
@click.option("--patch", default="first-light", show_default=True, shell_complete=complete_patch)
@click.option("--model", default="light", show_default=True, shell_complete=complete_model)
@click.option("--runtime", default="auto", show_default=True)
@click.option(
    "--size", default="320x180", metavar="WxH", callback=read_size, show_default=True, help="Size of passes and output."
)
def stage(path: Path | None, seconds: float, patch: str, model: str, runtime: str, size: tuple[int, int]) -> None:
    """Measure a whole performance, from a sound played by another process to the first changed pixel.

    Needs no sound card: it starts a PulseAudio server of its own (Debian: pulseaudio, pulseaudio-utils).
    """
    from engine.bench.pulse import PulseServer
    from engine.bench.stage import measure

    with PulseServer():
        figures = measure(seconds, patch, model, runtime, size)
    if path is not None:
        path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for name, value in figures.items():
        if name != "samples":
            click.echo(f"{name:32}  {value}")
