"""`clavilux patches`: the looks on the shelf."""

import click

from engine.commands.shared import assets_option
from engine.core import resources


@click.command(epilog="Example: clavilux play tidal. Your own go to ~/.local/share/clavilux/patches, or --assets DIR/patches.")
@click.option("--paths", is_flag=True, help="Where each one is.")
@assets_option
def command(paths: bool) -> None:
    """List the patches, each a mapping from sound to picture. Exit code 1 if one cannot be read."""
    from engine.control.patch import PatchError, load_patch

    broken = False
    for path in resources.listing("patches", "*.toml"):
        try:
            patch = load_patch(path)
            click.echo(f"{patch.name:16}  {patch.title}. {patch.doc}".rstrip())
        except PatchError as error:
            broken = True
            click.echo(f"{path.stem:16}  broken: {error}")
        if paths:
            click.echo(f"{'':16}  {path}")
    if broken:
        raise click.exceptions.Exit(1)
