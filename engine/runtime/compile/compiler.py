"""Compiles a model for a runtime, in a process of its own. Needs torch.

`python -m engine.runtime.compile.compiler RUNTIME MODEL_FOLDER PARENT BATCH TARGET` says on
standard output how far it is, a line at a time, and at the end on standard error what went wrong.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

from engine.core.registry import lookup
from engine.runtime.cache import DamagedError
from engine.runtime.card import load_card
from engine.runtime.compile.compiled_model import entry

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put the compiled model in the cache."""
    runtime, folder, parent, batch, target = sys.argv[1:]
    if sys.platform == "linux":  # with whoever wanted it, and not go on for minutes beside a show that does not
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):  # it died while torch was loaded
            return
    if hasattr(os, "nice"):
        os.nice(10)  # beside a show that plays
    card = load_card(Path(folder), verify=False)  # loading the weights checks what it reads
    backend, kept = lookup("runtime", runtime), entry(card, runtime, target, int(batch))
    assert kept is not None
    if kept.ready:
        try:
            kept.check()
            return
        except DamagedError as error:
            tell(f"{card.name}: compiled again, since it was damaged: {error}")
            kept.drop()
    kept.put(lambda part: backend.compile(card, part, target, int(batch), tell))


def tell(words: str) -> None:
    """Tell whoever waits."""
    print(words, flush=True)


if __name__ == "__main__":
    main()
