"""`clavilux dataset`: a folder of your own pictures becomes a dataset that a model can be trained on."""

import sys
from pathlib import Path

import click

from engine.commands.shared import Between

LARGEST = 4096


def read_sides(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """WIDTHxHEIGHT as two numbers. Raises click.BadParameter."""
    width, _, height = value.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and all(16 <= int(side) <= LARGEST for side in (width, height))):
        raise click.BadParameter(f"expected WIDTHxHEIGHT such as 448x288, sides from 16 to {LARGEST}; got {value!r}")
    return int(width), int(height)


@click.command(epilog="Example: clavilux dataset photographs -o sets/coast --size 448x288")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", "data", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to make.")
@click.option("--size", default="256x256", metavar="WxH", callback=read_sides, show_default=True, help="Size of all pictures.")
@click.option(
    "--held", default=0.05, show_default=True, type=Between(0, 0.5), help="Share of each class kept for judging a model."
)
@click.option(
    "--licences",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Table file,licence,author,source; FOLDER/licences.csv where there is one.",
)
def command(folder: Path, data: Path, size: tuple[int, int], held: float, licences: Path | None) -> None:
    """Make a dataset of the pictures in FOLDER. Each folder in it is a class.

    Pictures smaller than --size, broken files and near-duplicates are left out and listed in left-out.csv; all others are
    turned as their EXIF says, cropped to the middle and resized. Killed, it goes on where it was. Nothing is overwritten.
    Of the recipes, light takes pictures of 256x256 and more (wider ones are panned over), stylegan2 of any size.
    """
    from engine.studio.dataset.builder import LEFT_OUT, make

    with click.progressbar(length=1, label="pictures", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        made = make(folder, data, size, held, licences, progress)
    classes = ", ".join(f"{name} {count}" for name, count in made.pictures.items())
    click.echo(f"{data}: {sum(made.pictures.values())} pictures of {size[0]}x{size[1]} ({classes}), {made.held} held out")
    if made.left_out:
        reasons = ", ".join(f"{reason} {count}" for reason, count in made.left_out.items())
        click.echo(f"left out: {sum(made.left_out.values())} ({reasons}); {data / LEFT_OUT} lists them")
    if made.unlicensed:
        click.echo(f"{made.unlicensed} have no licence stated")
    if made.unmatched:
        click.echo(f"{made.unmatched} rows of the table of licences name no file in {folder}")
