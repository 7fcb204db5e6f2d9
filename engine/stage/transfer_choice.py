"""Which way the network's pictures take to the stage: what `clavilux bench transfer` measured on this machine, and kept."""

import json
from collections.abc import Mapping
from typing import Any

from engine.core.resources import cache_folder

FILE = "transfer.json"
WAYS = ("auto", "card", "host")


def on_gpu(asked: str, card: str) -> bool:
    """Whether pictures stay on the card: as asked, and for auto where that was measured to be faster with this `card`.

    An empty `card` is none.
    """
    return bool(card) and (asked == "card" or (asked == "auto" and _kept().get("card") == card and _kept()["faster"] == "card"))


def keep(figures: Mapping[str, Any]) -> None:
    """Write down what was measured: `card`, by name, and which way is `faster`, card or host, are looked at again."""
    (cache_folder() / FILE).write_text(json.dumps(dict(figures), indent=1) + "\n", encoding="utf-8")


def _kept() -> dict[str, Any]:
    """What was measured last; nothing where there is no such file, or it says something else."""
    try:
        found = json.loads((cache_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"card", "faster"} <= found.keys() else {}
