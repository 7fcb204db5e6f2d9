"""`clavilux walk`: a loop through a model, as a film, a looping picture or a strip."""

from pathlib import Path

import click

from engine.commands.shared import Between, complete_model


@click.command(epilog="Example: clavilux walk light -o loop.mp4 --class city --class lava")
@click.argument("model", shell_complete=complete_model)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="A film (.mp4, .mov), a picture that moves (.webp), or a strip of 24 moments (.png, .jpg).",
)
@click.option(
    "--class", "names", multiple=True, help="The class to walk in; several are passed through in turn.  [default: the first]"
)
@click.option("--seconds", type=Between(0.1, 3600), default=12.0, show_default=True)
@click.option("--fps", type=Between(1, 120), default=30.0, show_default=True, help="Frames a second.")
@click.option("--pace", type=Between(0, 100), default=1.0, show_default=True, help="Radians a second, at the least one turn.")
@click.option(
    "--via", type=click.Choice(("z", "w")), default="z", show_default=True, help="Through latents, or through styles (StyleGAN)."
)
@click.option("--seed", type=int, default=40, show_default=True, help="Another seed, another walk.")
@click.option("--truncation", type=Between(0, 1), default=1.0, show_default=True, help="How far from the mean to go.")
def command(
    model: str,
    output: Path,
    names: tuple[str, ...],
    seconds: float,
    fps: float,
    pace: float,
    via: str,
    seed: int,
    truncation: float,
) -> None:
    """Walk through MODEL, a folder or a name on the shelf, and come back to where it began: what is written loops."""
    from engine.core.resources import model_folder
    from engine.studio import loops
    from engine.studio.class_names import class_index
    from engine.studio.drawing import best_device, open_model

    loops.check_ending(output)
    network, known = open_model(model_folder(model), best_device())
    indices = [class_index(known, name) for name in names] or [0]
    n, turn = max(round(seconds * fps), 2), pace * seconds
    if via == "w":
        track = loops.through_w(network, indices, n, seed, turn, truncation)
    else:
        track = loops.through_z(network, indices, n, seed, turn)
    output.parent.mkdir(parents=True, exist_ok=True)
    with click.progressbar(length=loops.drawn(output, track), label=output.name) as bar:
        for drawn in loops.write(network, track, output, fps, truncation):
            bar.update(drawn - bar.pos)
    click.echo(f"{output}  {n / fps:.1f} s, {n} frames")
