"""`clavilux bench`: measurements of this machine."""

import json
import os
from pathlib import Path
from typing import Any

import click

from engine.commands.shared import Between, complete_model, complete_patch, read_size


@click.group()
def command() -> None:
    """Measure what this machine does with a performance."""


@command.command(epilog="Example: clavilux bench stage --json bench.json --seconds 60")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures and raw samples to FILE."
)
@click.option("--seconds", type=Between(20), default=300.0, show_default=True, help="How long to measure, after the warm-up.")
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
    from engine.bench.pulseaudio_server import PulseServer
    from engine.bench.sound_to_screen import measure

    with PulseServer():
        figures = measure(seconds, patch, model, runtime, size)
    _tell(figures, path)


@command.command(epilog="Example: clavilux bench control --json bench.json --flood 60 --pairs 5")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures and raw samples to FILE."
)
@click.option("--seconds", type=Between(5), default=60.0, show_default=True, help="How long each of the two paths is stepped.")
@click.option("--flood", type=Between(3), default=60.0, show_default=True, help="Seconds of each flood.")
@click.option("--pairs", type=click.IntRange(1), default=5, show_default=True, help="Floods, each beside a control run.")
@click.option("--patch", default="first-light", show_default=True, shell_complete=complete_patch)
@click.option("--model", default="light", show_default=True, shell_complete=complete_model)
@click.option("--runtime", default="auto", show_default=True)
@click.option(
    "--size", default="320x180", metavar="WxH", callback=read_size, show_default=True, help="Size of passes and output."
)
def control(
    path: Path | None,
    seconds: float,
    flood: float,
    pairs: int,
    patch: str,
    model: str,
    runtime: str,
    size: tuple[int, int],
) -> None:
    """Measure OSC: from a message of another process to the first changed pixel, and 10,000 messages a second."""
    from engine.bench.osc_to_screen import measure

    _tell(measure(seconds, flood, pairs, patch, model, runtime, size), path)


@command.command(epilog="Example: clavilux bench models --json models.json --reference ~/checkouts")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures and raw samples to FILE."
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with checkouts of github.com/NVlabs/stylegan2-ada-pytorch and stylegan3, to compare with. Their code is run.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Turns of each runtime.")
@click.option("--seconds", type=Between(0.1), default=5.0, show_default=True, help="Length of a turn.")
@click.option("--threads", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True, help="Of each runtime.")
@click.option("--only", multiple=True, metavar="MODEL", help="Measure this one; may be given more than once.")
def models(path: Path | None, reference: Path | None, rounds: int, seconds: float, threads: int, only: tuple[str, ...]) -> None:
    """Measure how fast models draw: those on the shelf, and StyleGAN2, StyleGAN3 and BigGAN-deep in published sizes.

    Each runtime has a process of its own; they draw in turns. BigGAN-deep is compared with the package
    pytorch-pretrained-biggan where that is installed.
    """
    from engine.bench.model_rates import measure, subjects

    with subjects(reference) as found:
        unknown = set(only) - found.keys()
        if unknown:
            raise LookupError(f"expected models of {', '.join(found)} from --only; got {', '.join(sorted(unknown))}")
        figures = measure({name: found[name] for name in only or found}, seconds, rounds, threads, _tell_one)
    if path is not None:
        path.write_text(json.dumps(figures, indent=1), encoding="utf-8")


@command.command(epilog="Example: clavilux bench transfer --json transfer.json")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures and raw samples to FILE."
)
@click.option("--pictures", type=click.IntRange(20), default=300, show_default=True, help="Of each size, by each way.")
def transfer(path: Path | None, pictures: int) -> None:
    """Measure how the network's pictures reach the stage: through the host's memory, or on the card.

    The faster of the two is what `clavilux play` does from then on.
    """
    from engine.bench.frame_transfer import measure
    from engine.stage import transfer_choice

    figures = measure(pictures)
    transfer_choice.keep({name: value for name, value in figures.items() if name != "samples"})
    if path is not None:
        path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for side, ways in figures["sizes"].items():
        for name, found in ways.items():
            click.echo(f"{side:>4} px  {name:14}  " + "  ".join(f"{key} {value:.3f}" for key, value in found.items()))
    reason = f" ({figures['why_not_card']})" if figures["why_not_card"] else ""
    click.echo(f"{figures['renderer']}: the faster way is {figures['faster']}{reason}")


def _tell_one(name: str, figures: dict[str, Any]) -> None:
    click.echo(name)
    for key, value in figures.items():
        click.echo(f"    {key:18}  {value}")


def _tell(figures: dict[str, Any], path: Path | None) -> None:
    if path is not None:
        path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for name, value in figures.items():
        if name != "samples":
            click.echo(f"{name:32}  {value}")
