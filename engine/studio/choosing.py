"""Which model and which of its classes a command means, and how a model is played from where it lies."""

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from engine import resources

SHOWN = 16  # names in an error


def model_folder(name: str) -> Path:
    """A folder with a model in it, or a name on the shelf. Raises FileNotFoundError."""
    folder = Path(name)
    if (folder / "model.toml").is_file():
        return folder
    if folder.name != name or folder.is_dir():
        raise FileNotFoundError(f"expected a folder with a model.toml, or a model's name; got {name!r}")
    return resources.find("models", name)


def how_to_play(folder: Path) -> str:
    """The command that plays the model in `folder`, with the one that puts it on the user's shelf first, if it is on none."""
    folder, quoted = folder.resolve(), shlex.quote
    play = f"clavilux play --model {quoted(folder.name)}"
    on_shelf = folder.name in {known.name for known in resources.models() if known.resolve() == folder}
    if on_shelf:
        return play
    if folder.parent.name == "models":  # another of its name may be found before it
        return f"clavilux play --assets {quoted(str(folder.parent.parent))} --model {quoted(folder.name)}"
    shelf = quoted(str(resources.home() / "models"))
    return f"mkdir -p {shelf} && mv {quoted(str(folder))} {shelf} && {play}"


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
