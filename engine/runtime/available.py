"""What can execute a network on this machine, told without loading any of it: shared by the doctor and by whoever chooses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.core.registry import lookup, names
from engine.runtime.backend import Backend, CompiledBackend
from engine.runtime.nvidia import cards


@dataclass(frozen=True, slots=True)
class Availability:
    """A runtime on this machine. `works` as far as can be told without loading it; `found`: its version, or why not."""

    runtime: str
    works: bool
    found: str
    advice: str = ""


def backend(runtime: str) -> type[Backend]:
    """The class of a runtime. Raises ValueError for a name that is none."""
    try:
        found: type[Backend] = lookup("runtime", runtime)
    except LookupError as error:
        known, best_first = ", ".join(names("runtime")), ", ".join(("auto", *runtimes()))
        raise ValueError(str(error).replace(known, best_first, 1)) from None
    return found


def runtimes() -> tuple[str, ...]:
    """The names of all runtimes: those that auto may take, best first, then those that are for whoever names them."""
    return tuple(sorted(names("runtime"), key=lambda name: (-backend(name).rank, name)))


def compiled_runtimes() -> tuple[str, ...]:
    """Those that models are compiled for, best first."""
    return tuple(name for name in runtimes() if issubclass(backend(name), CompiledBackend))


def availabilities() -> tuple[Availability, ...]:
    """All runtimes that auto may take, best first."""
    return tuple(availability(runtime) for runtime in runtimes() if backend(runtime).rank > 0)


def availability(runtime: str) -> Availability:
    """What this machine has of one. Raises ValueError for a name that is none."""
    needs = backend(runtime).requirements
    here = cards()[0] if needs.oldest is not None and cards() else None
    if needs.oldest is not None:
        if here is None:
            return Availability(runtime, False, "no NVIDIA card answers")
        if not needs.suits(here):
            return Availability(runtime, False, f"not made for {here.name} ({here.target})")
    version = needs.installed()
    if version is None:
        return Availability(runtime, False, "not installed", needs.install)
    if here is None:
        return Availability(runtime, True, version)
    if "+cpu" in version:
        return Availability(runtime, False, f"{version} is the build for processors", needs.install)
    built_for = re.search(r"cu(\d\d)", version)
    if built_for is not None and int(here.driver.partition(".")[0]) < int(built_for[1]):
        return Availability(runtime, False, f"{version}, but a driver for CUDA {here.driver}", "update NVIDIA's driver")
    return Availability(runtime, True, f"{version} on {here.name} ({here.target}, {here.memory_bytes >> 30} GiB)")


def reasons(missing: Iterable[Availability]) -> str:
    """Why some do not work, and what to do: `cuda, tensorrt: no NVIDIA card answers; ...`."""
    told: dict[str, list[str]] = {}
    for found in missing:
        told.setdefault(found.found + (f" ({found.advice})" if found.advice else ""), []).append(found.runtime)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in told.items())
