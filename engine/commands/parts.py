"""`clavilux parts`: everything that can be chosen by name, ours and of installed packages."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from engine.commands.shared import assets_option, span, written
from engine.core.params import Param, Parametric
from engine.core.registry import PACKAGES, lookup, names, origin
from engine.core.resources import is_shipped

EPILOG = """\b
Examples:
  clavilux parts                    every part of every kind
  clavilux parts mover              the movers, with all that can be set
  clavilux parts feature --json     for programs
  clavilux parts --markdown         as tables"""


PASS = "pass"
KINDS = (*PACKAGES, PASS)


@click.command(epilog=EPILOG)
@click.argument("kind", required=False, metavar="[KIND]", type=click.Choice(KINDS))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--markdown", is_flag=True, help="As tables in Markdown.")
@assets_option
def command(kind: str | None, as_json: bool, markdown: bool) -> None:
    """Print the parts of KIND (or of all): what each is, what can be set, and what it writes or needs."""
    found = [part for each in ((kind,) if kind else KINDS) for part in parts(each)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for part in found:
        for line in _table(part) if markdown else _paragraph(part):
            click.echo(line)


def parts(kind: str) -> Iterator[dict[str, Any]]:
    """All parts of a kind, as plain values. Of a kind whose libraries are not installed that is said, and there are none."""
    if kind == PASS:
        yield from _passes()
        return
    try:
        known = names(kind)
    except ImportError as error:
        click.echo(f"expected to import every {kind}; got {error}; left them out", err=True)
        return
    for name in known:
        part = lookup(kind, name)
        try:
            facts = _facts(part)
        except Exception as error:  # of a package: whatever it raises leaves the others listed
            click.echo(f"expected {kind} {name} to be declared well; got {error}; left it out", err=True)
            continue
        yield {
            "kind": kind,
            "name": name,
            "doc": _first_line(sys.modules[part.__module__].__doc__) or _first_line(part.__doc__),
            "package": origin(kind, name),
            "parameters": [_parameter(param) for param in part.params()] if issubclass(part, Parametric) else [],
            **facts,
        }


def _passes() -> Iterator[dict[str, Any]]:
    """The passes: files of shaders instead of classes."""
    from engine.stage.passes import load_passes

    for item in load_passes():
        parameters = [_parameter(leaf.param) for leaf in item.leaves.values()]
        doc = f"A pass of kind {item.kind}, drawn at place {item.order}."
        package = "" if is_shipped(item.path) else str(item.path)
        yield {"kind": PASS, "name": item.name, "doc": doc, "package": package, "parameters": parameters}


def _facts(part: type[Any]) -> dict[str, Any]:
    """What a part declares beside its parameters."""
    from engine.control.action import Action, ActionParam
    from engine.features.analysis.feature import Feature
    from engine.runtime.backend import Backend

    if issubclass(part, Feature):
        return {"values": list(part.values), "vectors": dict(part.vectors), "events": list(part.events)}
    if issubclass(part, Action):
        return {"call": ActionParam(part).usage, "in_film": part.in_film}
    if issubclass(part, Backend):
        needs = part.requirements
        gpu = {"oldest": needs.oldest, "only": needs.only or None} if needs.oldest else None
        told = {"auto": part.rank > 0, "packages": list(needs.packages), "install": needs.install, "gpu": gpu}
        return {**told, "draws_on_gpu": part.draws_on_gpu}
    return {}


def _parameter(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "kind": param.kind,
        "range": span(param),
        "unit": param.unit,
        "default": written(param.default),
        "doc": param.doc,
    }


def _paragraph(part: dict[str, Any]) -> Iterator[str]:
    package = f"  ({part['package']})" if part["package"] else ""
    yield f"{part['kind']} {part['name']}{package}"
    yield f"    {part['doc']}"
    yield from (f"    {about}: {what}" for about, what in _told(part))
    for one in part["parameters"]:
        unit = f" {one['unit']}" if one["unit"] else ""
        yield f"    {one['name']}  {one['kind']}, {one['range']}{unit}, default {one['default']}: {one['doc']}"
    yield ""


def _table(part: dict[str, Any]) -> Iterator[str]:
    yield f"### {part['kind']} `{part['name']}`"
    yield ""
    yield part["doc"] + (f" From {part['package']}." if part["package"] else "")
    yield ""
    told = list(_told(part))
    yield from (f"- {about}: {what}" for about, what in told)
    if told:
        yield ""
    if part["parameters"]:
        yield "| parameter | kind | range | unit | default | what it does |"
        yield "|---|---|---|---|---|---|"
        for one in part["parameters"]:
            cells = f"`{one['name']}`", one["kind"], one["range"], one["unit"], one["default"], one["doc"]
            yield f"| {' | '.join(cells)} |"
        yield ""


def _told(part: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What it declares, in words."""
    if part.get("values"):
        yield "values", ", ".join(part["values"])
    if part.get("vectors"):
        yield "vectors", ", ".join(f"{name} ({size})" for name, size in part["vectors"].items())
    if part.get("events"):
        yield "events", ", ".join(part["events"])
    if part.get("call"):
        yield "called as", part["call"] + (", in films too" if part["in_film"] else "")
    if "packages" in part:
        yield "brought by", f"{' or '.join(part['packages'])} ({part['install']})"
        gpu = part["gpu"]
        if gpu is None:
            yield "needs", "a processor"
        else:
            made_for = ", ".join("{}.{}".format(*capability) for capability in gpu["only"] or (gpu["oldest"],))
            yield "needs", f"an NVIDIA card of compute capability {made_for}{'' if gpu['only'] else ' or newer'}"
        yield "chosen", "by auto, or by name" if part["auto"] else "only by name"


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0].strip()
