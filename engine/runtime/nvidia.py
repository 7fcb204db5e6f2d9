"""The NVIDIA cards of this machine, asked of the driver with nothing but ctypes: cheap enough for the show's own process."""

import ctypes
import sys
from dataclasses import dataclass
from functools import cache

MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...


@dataclass(frozen=True, slots=True)
class NvidiaCard:
    """One card, as the driver counts them."""

    name: str
    capability: tuple[int, int]
    memory_bytes: int
    driver: str  # the CUDA version that the driver speaks, as in 13.0

    @property
    def target(self) -> str:
        """Its compute capability as sm86."""
        return "sm{}{}".format(*self.capability)


@cache
def cards() -> tuple[NvidiaCard, ...]:
    """All of them, the first one first; none where there is no driver, or one that does not answer.

    Asking makes no context on a card and takes none of its memory.
    """
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return ()
    version, count = ctypes.c_int(), ctypes.c_int()
    if driver.cuInit(0) or driver.cuDriverGetVersion(ctypes.byref(version)) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return ()
    spoken = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return tuple(_card(driver, index, spoken) for index in range(count.value))


def _card(driver: ctypes.CDLL, index: int, spoken: str) -> NvidiaCard:
    device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
    driver.cuDeviceGet(ctypes.byref(device), index)
    driver.cuDeviceGetName(name, len(name), device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    numbers = [ctypes.c_int(), ctypes.c_int()]
    for number, attribute in zip(numbers, (MAJOR, MINOR), strict=True):
        driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, device)
    major, minor = (number.value for number in numbers)
    return NvidiaCard(name.value.decode(errors="replace"), (major, minor), memory.value, spoken)
