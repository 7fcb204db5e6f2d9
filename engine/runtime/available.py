"""What can execute a network on this machine, told without loading any of it: shared by the doctor and by whoever chooses."""

import importlib.metadata
import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.runtime.nvidia import NvidiaCard, cards

RUNTIMES = ("tensorrt", "tensorrt-rtx", "cuda", "openvino", "torch")  # best first: what "auto" looks at, in this order
NAMED_ONLY = ("cuda-compiled",)  # only for whoever names them: a minute without pictures is not auto's to take
OLDEST = {"tensorrt": (7, 5), "tensorrt-rtx": (7, 5), "cuda": (7, 5), "cuda-compiled": (7, 5)}  # compute capabilities
RTX = ((7, 5), (8, 0), (8, 6), (8, 9), (12, 0), (12, 1))  # those that TensorRT for RTX 1.7 is made for
PACKAGES = {
    "tensorrt": ("tensorrt-cu13", "tensorrt-cu12", "tensorrt"),
    "tensorrt-rtx": ("tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu13", "tensorrt-rtx"),
    "cuda": ("torch",),
    "cuda-compiled": ("torch",),
    "openvino": ("openvino",),
    "torch": ("torch",),
}
CUDA = "install PyTorch for CUDA: pip install torch --index-url as its website says"
INSTALL = {
    "tensorrt": 'pip install "clavilux[tensorrt]"',
    "tensorrt-rtx": 'pip install "clavilux[rtx]"',
    "cuda": CUDA,
    "cuda-compiled": CUDA,
    "openvino": "pip install openvino",
    "torch": "pip install torch",
}


@dataclass(frozen=True, slots=True)
class Availability:
    """A runtime on this machine. `works` as far as can be told without loading it; `found`: its version, or why not."""

    runtime: str
    works: bool
    found: str
    advice: str = ""


def availabilities() -> tuple[Availability, ...]:
    """All runtimes that auto may take, best first."""
    return tuple(availability(runtime) for runtime in RUNTIMES)


def availability(runtime: str) -> Availability:
    """What this machine has of one. Raises ValueError for a name that is none."""
    if runtime not in (*RUNTIMES, *NAMED_ONLY):
        raise ValueError(f"expected a runtime, one of auto, {', '.join((*RUNTIMES, *NAMED_ONLY))}; got {runtime!r}")
    if runtime in OLDEST:
        if not cards():
            return Availability(runtime, False, "no NVIDIA card answers")
        card = cards()[0]
        if not suits(runtime, card):
            return Availability(runtime, False, f"not made for {card.name} ({card.target})")
    version = installed(runtime)
    if version is None:
        return Availability(runtime, False, "not installed", INSTALL[runtime])
    if runtime not in OLDEST:
        return Availability(runtime, True, version)
    if PACKAGES[runtime] == PACKAGES["cuda"] and "+cpu" in version:
        return Availability(runtime, False, f"{version} is the build for processors", INSTALL[runtime])
    built_for = re.search(r"cu(\d\d)", version)
    if built_for is not None and int(card.driver.partition(".")[0]) < int(built_for[1]):
        return Availability(runtime, False, f"{version}, but a driver for CUDA {card.driver}", "update NVIDIA's driver")
    return Availability(runtime, True, f"{version} on {card.name} ({card.target}, {card.memory_bytes >> 30} GiB)")


def reasons(missing: Iterable[Availability]) -> str:
    """Why some do not work, and what to do: `cuda, tensorrt: no NVIDIA card answers; ...`."""
    told: dict[str, list[str]] = {}
    for found in missing:
        told.setdefault(found.found + (f" ({found.advice})" if found.advice else ""), []).append(found.runtime)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in told.items())


def suits(runtime: str, card: NvidiaCard) -> bool:
    """Whether a runtime is made for a card."""
    if runtime == "tensorrt-rtx":
        return card.capability in RTX
    return card.capability >= OLDEST[runtime]


def installed(runtime: str) -> str | None:
    """A runtime's package and version, or None."""
    for package in PACKAGES[runtime]:
        try:
            return f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return None
