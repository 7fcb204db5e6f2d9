"""`clavilux shows`: the shows that were saved."""

import click

from engine.commands.shared import assets_option
from engine.core import resources


@click.command(epilog="Example: clavilux play --show friday. `/show/save friday` saves the show that plays.")
@assets_option
def command() -> None:
    """List the shows: what each plays, and where it is. Exit code 1 if one cannot be read."""
    from engine.show.show_folder import ShowError, find_show, load_show

    broken = False
    names = resources.show_names()
    if not names:
        click.echo("no show is saved yet: /show/save NAME saves the one that plays")
    for name in names:
        folder = find_show(name)
        try:
            settings = load_show(folder).settings
            playing = ", ".join(str(settings[key]) for key in ("patch", "model", "audio") if key in settings)
            click.echo(f"{name:16}  {playing}  ({folder})")
        except ShowError as error:
            broken = True
            click.echo(f"{name:16}  broken: {error}")
    if broken:
        raise click.exceptions.Exit(1)
