"""Which classes of a model a command means."""

from collections.abc import Sequence
from difflib import get_close_matches

SHOWN = 16  # names in an error


def class_indices(known: Sequence[str], wanted: str, most: int) -> tuple[int, ...]:
    """Indices of the classes in `wanted`, names with commas between; without names, of all, or of `most` spread evenly.

    Raises ValueError that names classes like the unknown one.
    """
    if not wanted:
        return tuple(dict.fromkeys(round(k * (len(known) - 1) / max(most - 1, 1)) for k in range(most)))
    names = [wanted] if wanted in known else [part.strip() for part in wanted.split(",")]  # a class may have a comma itself
    return tuple(class_index(known, name) for name in names)


def class_index(known: Sequence[str], wanted: str) -> int:
    """The index of one class. Raises ValueError that names classes like it."""
    folded = [name.casefold() for name in known]
    if wanted.casefold() in folded:
        return folded.index(wanted.casefold())
    like = get_close_matches(wanted.casefold(), folded, SHOWN, 0.5) or folded[:SHOWN]
    offered = ", ".join(known[folded.index(name)] for name in like)
    raise ValueError(f"expected a class of the model ({len(known)} of them, as {offered}); got {wanted!r}")
