"""`clavilux sheet`: many pictures of a model on one, by which to judge it."""

from pathlib import Path

import click

from engine.commands.shared import Between, complete_model

KINDS = ("samples", "classes", "mix", "styles", "neighbours")


@click.command(epilog="Example: clavilux sheet light --kind mix --classes city,lava,sea")
@click.argument("model", shell_complete=complete_model)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="PNG, WebP or JPEG.  [default: MODEL-KIND.png, here]")
@click.option("--kind", type=click.Choice(KINDS), default="samples", show_default=True, help="What is on the sheet; see above.")
@click.option("--classes", default="", help="Names with commas between.  [default: all, or some of very many]")
@click.option("--count", type=click.IntRange(1, 64), help="Pictures a row.  [default: as suits the kind]")
@click.option("--seed", type=int, default=100, show_default=True, help="Another seed, other pictures.")
@click.option("--truncation", type=Between(0, 1), default=1.0, show_default=True, help="How far from the mean to go.")
@click.option(
    "--shares",
    type=(float, float, float),
    default=(0.0, 1.0, 1.0),
    show_default=True,
    help="styles: how far the coarse, middle and fine styles are the column's.",
)
@click.option("--data", type=click.Path(path_type=Path), help="neighbours: the dataset that the model was trained on.")
def command(
    model: str,
    output: Path | None,
    kind: str,
    classes: str,
    count: int | None,
    seed: int,
    truncation: float,
    shares: tuple[float, float, float],
    data: Path | None,
) -> None:
    """Draw a sheet of MODEL, a folder or a name on the shelf.

    \b
    samples     a row a class
    classes     one large picture a class
    mix         each class crossing over into the next
    styles      rows give one group of styles, columns the other (StyleGAN)
    neighbours  samples, each before the three training pictures most like it
    """
    import numpy as np

    from engine.core.resources import model_folder
    from engine.outputs.filenames import unused
    from engine.studio import sheets
    from engine.studio.class_names import class_indices
    from engine.studio.drawing import best_device, open_model

    folder = model_folder(model)
    file = output or unused(Path(f"{folder.resolve().name}-{kind}.png"))
    sheets.check_ending(file)
    if kind == "neighbours" and data is None:
        raise ValueError("expected --data with the dataset that the model was trained on, for its nearest pictures")
    network, names = open_model(folder, best_device())
    indices = class_indices(names, classes, 12)
    chosen = [names[index] for index in indices]
    side, labels = 144, chosen
    if kind == "samples":
        rows = sheets.samples(network, indices, count or 8, seed, truncation)
    elif kind == "classes":
        rows, side, labels = sheets.large(network, indices, count or 4, seed, truncation), network.resolution[0], []
    elif kind == "mix":
        if len(indices) < 2:
            raise ValueError(f"expected at least two classes to mix; got {', '.join(chosen)}")
        pairs = list(zip(indices, (*indices[1:], indices[0]), strict=True))[: None if len(indices) > 2 else 1]
        rows = sheets.mixes(network, pairs, count or 9, seed, truncation)
        labels = [f"{names[one]} - {names[two]}" for one, two in pairs]
    elif kind == "styles":
        rows = sheets.styles(network, np.array(shares, np.float32), count or 6, seed, truncation, indices[0])
        labels = []
    else:
        from engine.studio.neighbours import neighbours, training_views

        assert data is not None
        rows = neighbours(network, indices, *training_views(data), count=count or 3, seed=seed, truncation=truncation)
        side = 112
    sheet = sheets.tile(rows, min(side, network.resolution[0]), labels if len(names) > 1 else [])
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file, quality=88)
    click.echo(f"{file}  {sheet.width}x{sheet.height}")
