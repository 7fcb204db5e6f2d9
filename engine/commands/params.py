"""`clavilux params`: the reference of all parameters, generated from their declarations."""

import json
from typing import TYPE_CHECKING

import click

from engine.commands.shared import assets_option, complete_model, complete_patch, flag_of, span, tree_of, usual_patch, written
from engine.control.action import ActionParam

if TYPE_CHECKING:
    from engine.core.params import Leaf

EPILOG = """\b
Examples:
  clavilux params                       all parameters of the default patch, as Markdown
  clavilux params tidal --match walk   those of another patch whose address holds `walk`
  clavilux params --json                for programs
  clavilux play --walk.jitter 0.3       sets /walk/jitter"""


@click.command(epilog=EPILOG)
@click.argument("patch", required=False, shell_complete=complete_patch)
@click.option(
    "--model", default="light", metavar="MODEL", show_default=True, shell_complete=complete_model, help="The model played."
)
@click.option("--match", default="", metavar="TEXT", help="Only addresses that hold TEXT.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@assets_option
def command(patch: str | None, model: str, match: str, as_json: bool) -> None:
    """Print every parameter of PATCH (or the usual one): address, kind, range, unit, default, what the patch sets, meaning."""
    tree = tree_of(patch or usual_patch(model), model)
    leaves = [tree.leaf(address) for address in sorted(tree) if match in address]
    if as_json:
        click.echo(json.dumps([_entry(leaf) for leaf in leaves], indent=2))
        return
    click.echo("| address | kind | range | unit | default | in this patch | what it does |")
    click.echo("|---|---|---|---|---|---|---|")
    for leaf in leaves:
        param = leaf.param
        base = "" if leaf.base == param.default else written(leaf.base)
        cells = leaf.address, param.kind, span(param), param.unit, written(param.default), base, param.doc
        click.echo(f"| {' | '.join(cells)} |")


def _entry(leaf: "Leaf") -> dict[str, object]:
    param = leaf.param
    return {
        "address": leaf.address,
        "flag": flag_of(leaf),
        "kind": param.kind,
        "low": param.low,
        "high": param.high,
        "curve": param.curve,
        "choices": list(param.choices),
        "unit": param.unit,
        "slew_s": param.slew_s,
        "default": param.default,
        "patch": leaf.base,
        "doc": param.doc,
        "arguments": [name for name, *_ in param.arguments] if isinstance(param, ActionParam) else [],
    }
