"""The [pair] table of a patch: two parameters that an XY pad moves together.

    [pair]
    sky = { x = "/walk/speed", y = "/latent/truncation" }

A host sends two numbers to `/pair/sky`, or one each to `/pair/sky/x` and `/pair/sky/y`; `/n/pair/sky` takes 0..1.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

Keys = tuple[str, ...]
Fail = Callable[[Keys, str], NoReturn]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class PairSpec(NamedTuple):
    """The addresses that `/pair/NAME` moves."""

    name: str
    x: str
    y: str
    keys: Keys


def read_pairs(table: Mapping[str, Any], fail: Fail) -> tuple[PairSpec, ...]:
    """The pairs of a patch; `fail` raises its error for a key. Addresses are checked when it is wired."""
    found = []
    for name, body in table.items():
        keys = ("pair", name)
        if not _NAME.fullmatch(name):
            fail(keys, f"expected a name of small letters, digits and underscores; got {name!r}")
        if not isinstance(body, Mapping) or set(body) != {"x", "y"} or not all(isinstance(at, str) for at in body.values()):
            fail(keys, f'expected two addresses, as {{ x = "/walk/speed", y = "/latent/truncation" }}; got {body!r:.80}')
        found.append(PairSpec(name, body["x"], body["y"], keys))
    return tuple(found)


def pair_addresses(pairs: tuple[PairSpec, ...]) -> dict[str, tuple[str, ...]]:
    """What each address of the pairs moves: `/pair/NAME` two parameters, `/pair/NAME/x` and `/y` one."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        at = f"/pair/{pair.name}"
        found |= {at: (pair.x, pair.y), f"{at}/x": (pair.x,), f"{at}/y": (pair.y,)}
    return found
