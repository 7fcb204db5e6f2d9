"""Where shaders, patches and models are found: the user's folders first, then the checkout, then the installed wheel."""

import os
import re
import sysconfig
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

SHELVES = ("shaders", "patches", "models")  # that the program ships; shows are the user's own
MODEL_CARD = "model.toml"
_CHECKOUT = Path(__file__).resolve().parents[2]
_added: list[Path] = []
_shipped_alone = False


def add_assets(folder: Path) -> None:
    """Look in `folder` before everywhere else (`--assets`). Raises FileNotFoundError if it is not a folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"expected a folder with {', '.join(SHELVES)} in it; got {folder} from --assets")
    _added.insert(0, folder.resolve())


def use_shipped_alone() -> None:
    """From now on find nothing of the user's (`--safe`)."""
    global _shipped_alone
    _shipped_alone = True


def shipped_alone() -> bool:
    """Whether nothing of the user's is to be found, installed packages included."""
    return _shipped_alone


def home() -> Path:
    """The user's own folder of shelves; it may not be there yet."""
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "clavilux"


def roots() -> tuple[Path, ...]:
    """All folders that may hold shelves, first come first found."""
    if (_CHECKOUT / "pyproject.toml").is_file():
        shipped = _CHECKOUT  # a checkout must never read a stale installed copy
    else:
        shipped = Path(sysconfig.get_path("data")) / "share" / "clavilux"
    return (shipped,) if _shipped_alone else (*_added, home(), shipped)


def is_shipped(path: Path) -> bool:
    """Whether a path comes with the program, and so is on every machine that has it."""
    shipped = roots()[-1].resolve()
    return path.resolve().is_relative_to(shipped)


def is_name(name: str) -> bool:
    """Whether `name` may be that of a new folder or file on a shelf, on every system."""
    return re.fullmatch(r"\w[\w -]{0,63}", name) is not None and name == name.strip()


def find(shelf: str, name: str) -> Path:
    """The path of `name` on a shelf. Raises FileNotFoundError that lists what there is."""
    parts = PureWindowsPath(name)  # knows both kinds of slash, and drives
    if parts.anchor or ".." in parts.parts:
        raise FileNotFoundError(f"expected a name on the shelf {shelf}; got {name!r}")
    for root in roots():
        path = root / shelf / name
        if path.exists():
            return path
    known = models() if shelf == "models" else listing(shelf, f"*{Path(name).suffix}")
    raise FileNotFoundError(f"expected one of {', '.join(path.name for path in known)} in {shelf}; got {name!r}")


def listing(shelf: str, pattern: str = "*") -> tuple[Path, ...]:
    """All paths on a shelf that match, sorted by name; of two with one name the first root's is kept."""
    found: dict[str, Path] = {}
    for root in roots():
        for path in sorted((root / shelf).glob(pattern)) if (root / shelf).is_dir() else ():
            found.setdefault(path.name, path)
    return tuple(found[name] for name in sorted(found))


def models() -> tuple[Path, ...]:
    """The folders of all models on the shelf; one that is still being written begins with a dot."""
    return tuple(path for path in listing("models") if path.is_dir() and not path.name.startswith("."))


def patch_names() -> list[str]:
    """The names of all patches, as they are now: patches are written while the show plays."""
    return [path.stem for path in listing("patches", "*.toml")]


def model_names() -> list[str]:
    """The names of all models."""
    return [path.name for path in models()]


def shader_names() -> list[str]:
    """The names of all passes."""
    return [path.stem for path in listing("shaders", "*.glsl")]


def show_names() -> list[str]:
    """The names of all shows."""
    return [path.name for path in listing("shows") if path.is_dir() and not path.name.startswith(".")]


def on_shelf(kind: str, name: str, known: Sequence[str]) -> str:
    """`name`, if it is known, or what has that number, counted from 1: one from outside must not become a path.

    Raises LookupError that lists what there is.
    """
    if name in known:
        return name
    if name.isascii() and name.isdecimal() and len(name) < 10 and 1 <= int(name) <= len(known):
        return known[int(name) - 1]
    raise LookupError(f"expected a {kind}, one of {', '.join(known)}, or its number from 1; got {name[:80]!r}")


def model_folder(name: str) -> Path:
    """The folder of a model: `name` is one on the shelf, or else a path. Raises FileNotFoundError."""
    folder = Path(name)
    is_model = (folder / MODEL_CARD).is_file()
    if folder.name != name and not is_model:
        raise FileNotFoundError(f"expected a folder with a {MODEL_CARD}, or a model's name; got {name!r}")
    if folder.name == name:
        try:
            return find("models", name)
        except FileNotFoundError:
            if not is_model:
                raise
    return folder


def model_name(folder: Path) -> str:
    """What `model_folder` takes for a model's folder: its name if it is on the shelf, else its whole path."""
    folder = folder.resolve()
    on_shelf = folder in {known.resolve() for known in models() if known.name == folder.name}
    return folder.name if on_shelf else str(folder)


def cache_folder() -> Path:
    """Where compiled networks are kept between shows; made if it is not there."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "clavilux"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
