"""From the words of `--audio` to a source."""

import re
from collections.abc import Callable
from pathlib import Path

from engine.audio.source import Inputs, Source
from engine.core.registry import lookup

_INPUTS = re.compile(r"(?P<first>\d+)(-(?P<last>\d+))?=(?P<name>[a-z][a-z0-9_]*)")

_FILE = re.compile(r"\.(?=\d*[A-Za-z])[A-Za-z0-9]{1,5}$")  # an ending such as .mp3, not a number such as hw:0.1


def open_source(
    spec: str,
    *,
    rate_hz: int = 48000,
    hop: int = 256,
    loop: bool = False,
    paced: bool = True,
    seed: int = 0,
    from_s: float = 0.0,
    awaited: bool = False,
) -> Source:
    """The source that `spec` names: synthetic, none, a file, `default`, or a device with optional inputs `NAME:1-2=main,3=kick`.

    `paced` false delivers files and generated sound at once instead of in real time; a file begins at `from_s`; a file or device
    that is `awaited` need not be there yet. Raises OSError for a file or device that cannot be opened, ValueError for words that
    mean nothing.
    """
    generated = _generated(spec)
    if generated is not None:
        source: Source = generated(rate_hz, hop, paced, seed)
    elif Path(spec).is_file() or (awaited and _FILE.search(spec)):
        from engine.audio.file import FileSource

        source = FileSource(Path(spec), rate_hz, hop, loop, paced, from_s, awaited)
    elif _FILE.search(spec):
        raise FileNotFoundError(f"expected a file of sound; got {spec}, which is not there")
    else:
        from engine.audio.device import DeviceSource

        source = DeviceSource(*parse_device(spec), rate_hz, hop, awaited)
    return source


def _generated(spec: str) -> Callable[[int, int, bool, int], Source] | None:
    """The registered source of that name, made of rate, hop, whether it is paced, and seed; None where there is none."""
    if not spec.isidentifier():
        return None
    try:
        found: Callable[[int, int, bool, int], Source] = lookup("source", spec)
    except LookupError:
        return None
    return found


def parse_device(spec: str) -> tuple[str, Inputs]:
    """A device's name and its named inputs. Raises ValueError."""
    name, colon, rest = spec.rpartition(":")
    if not colon or "=" not in rest:
        return spec, {}
    inputs: Inputs = {}
    for part in rest.split(","):
        match = _INPUTS.fullmatch(part.strip())
        if match is None or match["name"] in inputs:
            raise ValueError(f"expected inputs such as DEVICE:1-2=main,3=kick, each name once; got {part!r} from {spec!r}")
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not 1 <= first <= last:
            raise ValueError(f"expected channels counted from 1, low to high; got {part!r} from {spec!r}")
        inputs[match["name"]] = (first, last)
    return name, inputs
