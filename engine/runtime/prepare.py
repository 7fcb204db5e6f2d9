"""Prepares a model for a runtime: `python -m engine.runtime.prepare RUNTIME MODEL_FOLDER PARENT [TARGET]`. Needs torch.

Says on standard output how far it is, a line at a time, and at the end on standard error what went wrong.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runtime.cache import DamagedError
from engine.runtime.card import ModelCard, load_card
from engine.runtime.preparing import entry

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put the prepared model in the cache."""
    runtime, folder, parent, *target = sys.argv[1:]
    if sys.platform == "linux":  # with whoever wanted it, and not go on for minutes beside a show that does not
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):  # it died while torch was loaded
            return
    if hasattr(os, "nice"):
        os.nice(10)  # beside a show that plays
    card = load_card(Path(folder), verify=False)  # loading the weights checks what it reads
    kept = entry(card, runtime, *target)
    assert kept is not None
    if kept.ready:
        try:
            kept.check()
            return
        except DamagedError as error:
            print(f"{card.name} is prepared again, since it was damaged: {error}", flush=True)
            kept.drop()
    kept.put(lambda part: make(card, runtime, part))


def make(card: ModelCard, runtime: str, part: Path) -> Mapping[str, Any]:
    """Write the files into `part`; notes for their manifest."""
    from engine.runtime.convert import convert

    convert(card, part)
    return {}


if __name__ == "__main__":
    main()
