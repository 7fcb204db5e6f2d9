"""`clavilux models`: the models on the shelf, and whether their weights are what their cards say."""

import json
import tomllib

import click

from engine.commands.shared import assets_option
from engine.core import resources


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The whole cards, as JSON.")
@assets_option
def command(as_json: bool) -> None:
    """List the models: architecture, size, cost of a frame, licence, classes. Exit code 1 if a file is damaged."""
    from engine.runtime.card import CardError, load_card

    report = {}
    for folder in resources.models():
        try:
            load_card(folder)
            card, fault = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8-sig")), ""
        except CardError as error:
            card, fault = {}, str(error)
        report[folder.name] = card | {"folder": str(folder), "fault": fault}
        if as_json:
            continue
        if fault:
            click.echo(f"{folder.name}  damaged: {fault}")
            continue
        width, height = card["resolution"]
        licence = card.get("licence", "no licence given")
        cost = f"{card['gmac']:.2f} GMAC a frame, " if "gmac" in card else ""
        click.echo(f"{folder.name}  {card['architecture']}, {width}x{height}, {cost}{licence}  ({folder})")
        click.echo(f"    classes: {', '.join(card['classes'])}")
    if as_json:
        click.echo(json.dumps(report, indent=2))
    if any(entry["fault"] for entry in report.values()):
        raise click.exceptions.Exit(1)
