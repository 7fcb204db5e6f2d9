"""Names for the parts that can be chosen: features, controllers, movers, architectures, runtimes, ...

A part registers itself where it is defined, in the module that bears its name, with _ for -; looking it up imports that
module only, so asking for one runtime never loads another's libraries. Installed packages add parts by entry points: in the
group `clavilux.parts`, `mover.orbit = "my_package.orbit"` names the module that registers the mover `orbit`.
"""

import importlib
import importlib.metadata
import importlib.util
import logging
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from engine.core import resources

Part = TypeVar("Part", bound=type[Any])

log = logging.getLogger("clavilux.parts")

GROUP = "clavilux.parts"
PACKAGES = {
    "feature": "engine.features",
    "controller": "engine.control.controllers",
    "action": "engine.control.actions",
    "mover": "engine.latent.movers",
    "mixer": "engine.latent.mixers",
    "input": "engine.latent.inputs",
    "architecture": "engine.generators",
    "runtime": "engine.runtime.backends",
    "recipe": "engine.studio.training.recipes",
    "source": "engine.audio",
    "sink": "engine.outputs",
}

_parts: dict[str, dict[str, type[Any]]] = {kind: {} for kind in PACKAGES}
_former: dict[str, dict[str, str]] = {kind: {} for kind in PACKAGES}  # old name -> new
_told: set[str] = set()  # entry points whose faults have been logged


class PackageError(LookupError):
    """A part that an installed package offers, and cannot give."""


def register(kind: str, name: str, *, formerly: Iterable[str] = ()) -> Callable[[Part], Part]:
    """Class decorator that makes the class findable as `name` among its `kind`, and unlisted by the names it had before.

    Raises ValueError on a taken name.
    """
    old = tuple(formerly)

    def add(part: Part) -> Part:
        for each in (name, *old):
            known = _parts[kind].get(_former[kind].get(each, each))
            if known is not None and _place(known) != _place(part):  # the same place: a module that is loaded again
                raise ValueError(f"expected a new {kind} name for {_place(part)}; got {each!r}, which is {_place(known)}")
            if not _is_own(kind, part.__module__) and _has_module(kind, each):
                raise ValueError(f"expected a new {kind} name, got {each!r}, which is the program's own")
        _parts[kind][name] = part
        _former[kind].update(dict.fromkeys(old, name))
        return part

    return add


def lookup(kind: str, name: str) -> type[Any]:
    """The class registered as `name`, or once registered so.

    Raises LookupError that lists what there is, or says why the package that offers it could not be imported.
    """
    return _parts[kind][canonical(kind, name)]


def canonical(kind: str, name: str) -> str:
    """The name that a part has now, by its name of any time. Raises LookupError as `lookup` does."""
    if name in _parts[kind]:
        return name
    if name not in _former[kind] and _has_module(kind, name):
        importlib.import_module(_module(kind, name))
    if name not in _parts[kind] and name not in _former[kind]:
        _import_own(kind)  # it may be the former name of one
        offered = None if name in _former[kind] else next((item for item in _entry_points(kind) if item.name == name), None)
        if offered is not None:
            offered.load(kind)
    if name not in _parts[kind] and name not in _former[kind]:
        known = names(kind)  # imports all: a package's part may have been called so
        if name not in _former[kind]:
            raise LookupError(f"expected {'an' if kind[0] in 'aeiou' else 'a'} {kind}, one of {', '.join(known)}; got {name!r}")
    return _former[kind].get(name, name)


def names(kind: str) -> tuple[str, ...]:
    """All registered names of a kind, sorted; imports every module of its folder, and of packages what can be imported.

    What cannot is logged, once.
    """
    _import_own(kind)
    for offered in _entry_points(kind):
        try:
            offered.load(kind)
        except PackageError as error:
            if str(error) not in _told:
                _told.add(str(error))
                log.warning("%s; left it out", error)
    return tuple(sorted(_parts[kind]))


def former_names(kind: str, name: str) -> tuple[str, ...]:
    """The names that a registered part had before."""
    return tuple(old for old, new in _former[kind].items() if new == name)


def renamed(kind: str) -> Mapping[str, str]:
    """All names that parts of a kind had before -> those they have now; imports what `names` does."""
    names(kind)
    return _former[kind].copy()


def source_module(kind: str, name: str) -> str:
    """The name of the module that defines a part, told without importing any. Raises LookupError for a name that is none."""
    if name in _parts[kind]:
        return _parts[kind][name].__module__
    offered = next((item.module for item in _entry_points(kind) if item.name == name), "")
    module = _module(kind, name) if _has_module(kind, name) else offered
    if not module:
        raise LookupError(f"expected a {kind} of the program or of an installed package; got {name!r}")
    return module


def origin(kind: str, name: str) -> str:
    """The installed package that a registered part comes from, with its version; empty for the program's own."""
    if _is_own(kind, _parts[kind][name].__module__):
        return ""
    offered = next((item for item in _entry_points(kind) if item.name == name), None)
    return _parts[kind][name].__module__ if offered is None else offered.package


class _Offered:
    """An entry point of an installed package."""

    def __init__(self, name: str, module: str, package: str, wrong: str = "") -> None:
        self.name, self.module, self.package = name, module, package
        self._wrong, self._loaded = wrong, False

    def load(self, kind: str) -> None:
        """Have it register its part. Raises PackageError that says why it cannot."""
        if not self._wrong and not self._loaded:
            self._wrong, self._loaded = self._import(kind), True
        if self._wrong:
            raise PackageError(f"expected the {kind} {self.name!r} in {self.module} of {self.package}; got {self._wrong}")

    def _import(self, kind: str) -> str:
        if _has_module(kind, self.name) or self.name in _former[kind]:
            return "a name of the program's own, which stays"
        try:
            importlib.import_module(self.module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a package does, SystemExit too, the show goes on without it
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return "" if self.name in _parts[kind] else "a module that registers none of this name"


def _entry_points(kind: str) -> tuple[_Offered, ...]:
    return () if resources.shipped_alone() else _offered(kind)


@cache
def _offered(kind: str) -> tuple[_Offered, ...]:
    found: dict[str, _Offered] = {}
    twice = []
    for item in sorted(_installed(), key=lambda item: (item.name, item.value)):
        of, _, name = item.name.partition(".")
        package = f"{item.dist.name} {item.dist.version}" if item.dist else "a package"
        if of != kind:
            continue
        if name in found:
            twice.append(_Offered(name, item.module, package, f"a name that {found[name].package} has taken"))
        else:
            found[name] = _Offered(name, item.module, package)
    return (*found.values(), *twice)


@cache
def _installed() -> tuple[importlib.metadata.EntryPoint, ...]:
    return tuple(importlib.metadata.entry_points(group=GROUP))


def _import_own(kind: str) -> None:
    package = importlib.import_module(PACKAGES[kind])
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{PACKAGES[kind]}.{module.name}")


def _module(kind: str, name: str) -> str:
    return f"{PACKAGES[kind]}.{name.replace('-', '_')}"


def _has_module(kind: str, name: str) -> bool:
    """Whether the program has a module for it. Names come from patches and cards, and a dot would lead into other folders."""
    return name.replace("-", "_").isidentifier() and importlib.util.find_spec(_module(kind, name)) is not None


def _place(part: type[Any]) -> str:
    return f"{part.__module__}.{part.__qualname__}"


def _is_own(kind: str, module: str) -> bool:
    return module.startswith(PACKAGES[kind] + ".")
