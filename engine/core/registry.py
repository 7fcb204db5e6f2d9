"""Names for the parts that can be chosen: features, controllers, movers, architectures, runtimes, ...

A part registers itself where it is defined, in the module that bears its name, with _ for -; looking it up imports that
module only, so asking for one runtime never loads another's libraries.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, TypeVar

Part = TypeVar("Part", bound=type[Any])

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
    "output": "engine.outputs",
}

_parts: dict[str, dict[str, type[Any]]] = {kind: {} for kind in PACKAGES}


def register(kind: str, name: str) -> Callable[[Part], Part]:
    """Class decorator that makes the class findable as `name` among its `kind`. Raises ValueError on a taken name."""

    def add(part: Part) -> Part:
        known = _parts[kind].get(name)
        if known is not None and known.__qualname__ != part.__qualname__:
            raise ValueError(f"expected a new {kind} name, got {name!r}, which is {known.__module__}.{known.__qualname__}")
        _parts[kind][name] = part
        return part

    return add


def lookup(kind: str, name: str) -> type[Any]:
    """The class registered as `name`. Raises LookupError that lists what there is."""
    if name not in _parts[kind]:
        module = name.replace("-", "_")
        path = f"{PACKAGES[kind]}.{module}"
        try:
            if module.isidentifier():  # names come from patches and cards, and a dot would lead into other folders
                importlib.import_module(path)
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
        if name not in _parts[kind]:
            raise LookupError(f"expected a {kind}, one of {', '.join(names(kind))}; got {name!r}")
    return _parts[kind][name]


def names(kind: str) -> tuple[str, ...]:
    """All registered names of a kind, sorted; imports every module of its folder."""
    package = importlib.import_module(PACKAGES[kind])
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{PACKAGES[kind]}.{module.name}")
    return tuple(sorted(_parts[kind]))
