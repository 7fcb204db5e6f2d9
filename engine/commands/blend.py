"""`clavilux blend`: a model made of two."""

from pathlib import Path

import click

from engine.commands.shared import Between, complete_model


@click.command(epilog="Example: clavilux blend faces paintings -o painted-faces --swap-from 32")
@click.argument("first", metavar="A", shell_complete=complete_model)
@click.argument("second", metavar="B", shell_complete=complete_model)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The new model's folder.")
@click.option("--swap-from", type=int, help="Layers of this many pixels and more are B's, the coarser ones A's.")
@click.option("--layers", type=Between(0, 1), help="The share of the resolutions, coarsest first, that are A's.")
@click.option("--weights", type=Between(0, 1), help="How far weights go from A's to B's: all, or those of the layers above.")
@click.option("--force", is_flag=True, help="Replace a model that is in the folder.")
def command(
    first: str,
    second: str,
    output: Path,
    swap_from: int | None,
    layers: float | None,
    weights: float | None,
    force: bool,
) -> None:
    """Blend models A and B, folders or names on the shelf, of one architecture and config, into a new one.

    What is seen comes from the coarse layers, how it is painted from the fine ones. It works for models that were trained
    from each other, or from one. The sheet blend.webp has the same latents drawn by A, by B and by the blend.
    """
    from engine.core.resources import model_folder
    from engine.studio.blending import blend
    from engine.studio.sheets import tile

    one, two = model_folder(first), model_folder(second)
    rows = blend(one, two, output, swap_from, layers, weights, force)
    tile(rows, min(144, rows[0].shape[2]), ("A", "B", "blend")).save(output / "blend.webp", quality=85)
    click.echo(f"{output} is made of {one} and {two}")
