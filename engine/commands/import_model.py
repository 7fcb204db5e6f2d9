"""`clavilux import`: a checkpoint from elsewhere becomes a model to play."""

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The new model's folder; its name is the model's."
)
@click.option("--from-hub", metavar="REPO[:FILE]", help="Download it from Hugging Face, or from HF_ENDPOINT.")
@click.option(
    "--precision", type=click.Choice(["half", "float32"]), default="half", show_default=True, help="Of the weights on disk."
)
@click.option("--licence", default="", help="What the card says of the licence.  [default: unknown: fill in]")
@click.option("--classes", type=click.Path(path_type=Path), help="A text file with the names of the classes, one a line.")
@click.option("--architecture", default="", help="For tensors without a description: what they are weights of.")
@click.option("--config", type=click.Path(path_type=Path), help="For tensors without a description: settings, .toml or .json.")
@click.option("--sheet/--no-sheet", default=True, show_default=True, help="Draw samples.webp into the folder.")
@click.option("--force", is_flag=True, help="Replace a model that is in the folder.")
def command(
    file: Path | None,
    output: Path,
    from_hub: str | None,
    precision: str,
    licence: str,
    classes: Path | None,
    architecture: str,
    config: Path | None,
    sheet: bool,
    force: bool,
) -> None:
    """Import FILE: nothing in it is run, and every tensor is checked.

    \b
    NVIDIA           StyleGAN2 (ada, PyTorch) and StyleGAN3: network.pkl
    rosinality       stylegan2-pytorch: checkpoint.pt
    Hugging Face     BigGAN-deep: a folder with config.json and its weights
    Clavilux         a model's folder
    tensors by name  .safetensors or .pt, with --architecture and --config
    """
    from engine.core.resources import model_name
    from engine.studio.checkpoint.detection import Given
    from engine.studio.checkpoint.hub import download
    from engine.studio.checkpoint.importing import Order, import_checkpoint

    if (file is None) == (from_hub is None):
        raise click.UsageError("give either a FILE or --from-hub")
    if bool(architecture) != (config is not None):
        raise click.UsageError("--architecture and --config go together")
    path = download(from_hub) if from_hub is not None else file
    assert path is not None
    import_checkpoint(
        path,
        Order(
            folder=output,
            half=precision == "half",
            licence=licence,
            classes=classes,
            given=Given(architecture, config) if config is not None else None,
            origin=from_hub or "",
            sheet=sheet,
            force=force,
        ),
        click.echo,
    )
    click.echo(f"{output} is a model now; play it: clavilux play --model {shlex.quote(model_name(output))}")
