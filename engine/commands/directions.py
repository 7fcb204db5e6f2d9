"""`clavilux directions`: finds what a model's latent space can do, and gives the show a slider for each."""

import click

from engine.commands.shared import complete_model


@click.command(epilog="Example: clavilux directions light --rename 0=dawn,3=drift")
@click.argument("model", shell_complete=complete_model)
@click.option("--count", type=click.IntRange(1, 64), default=10, show_default=True, help="How many to find.")
@click.option("--samples", type=click.IntRange(2), help="Latents to look at.  [default: 10000 mapped (StyleGAN), 700 drawn]")
@click.option(
    "--classes", default="", help="Look at these only, names with commas between.  [default: all, or some of very many]"
)
@click.option("--seed", type=int, default=600, show_default=True, help="Which latents are looked at.")
@click.option("--rename", metavar="0=NAME,...", help="Name directions that were found before, by their number.")
@click.option("--force", is_flag=True, help="Replace directions that were found before, and their names.")
def command(model: str, count: int, samples: int | None, classes: str, seed: int, rename: str | None, force: bool) -> None:
    """Find the directions of MODEL, a folder or a name on the shelf, along which its picture changes most.

    They are written beside its weights, with a sheet (directions.webp): a row a direction, two latents from -2 to 2 standard
    deviations. In the show each is a slider, /network/direction/NAME.
    """
    from engine.core.resources import model_folder
    from engine.studio import direction_files, directions, sheets
    from engine.studio.class_names import class_indices
    from engine.studio.drawing import best_device, open_model

    folder = model_folder(model)
    names = None if rename is None else _names(rename)
    if names is None and not force and direction_files.saved(folder) is not None:
        raise FileExistsError(f"expected no directions in {folder} yet, or --force; kept those that are there")
    network, known = open_model(folder, best_device())
    indices = class_indices(known, classes, 12)
    if names is None:
        found = directions.find(network, indices, count, samples or 0, seed, lambda said: click.echo(said, err=True))
        direction_files.save(folder, found)
    else:
        found = direction_files.rename(folder, names)
    labels = [f"{number} {name}" for number, name in enumerate(found.names)]
    sheet = sheets.tile(directions.rows(network, found, indices, seed + 1), min(112, network.resolution[0]), labels)
    sheet.save(folder / direction_files.SHEET, quality=82)
    click.echo(f"{folder / direction_files.SHEET}  {len(labels)} directions of {found.space}: {', '.join(labels)}")


def _names(text: str) -> dict[int, str]:
    names = {}
    for part in text.split(","):
        number, equals, name = part.partition("=")
        if not equals or not number.strip().isdecimal():
            raise ValueError(f"expected NUMBER=NAME, with commas between, from --rename; got {part!r}")
        names[int(number)] = name.strip()
    return names
