"""Pictures that stay on the card between the generator that draws them and the show that shows them.

Three pictures in memory that the show allocates, a fresh ring for each incarnation of the generator, which opens it through
CUDA's inter-process handles. A record says which one is the newest; a claim says which one the show is copying. The writer
takes the one that is neither, so that nobody waits and nothing is torn. (Hazard pointers, Michael 2004, with one reader.)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.core.cuda import CudaError, DeviceMemory
from engine.core.slots import Record, Slot
from engine.core.types import GpuPicture

CELLS = 3
BLOCK = 2 << 20  # bytes: what cudaMalloc takes from the card at a time, and what another process opens at a time
CLAIM = np.dtype([("on_card", np.bool_), ("cell", np.int64)])  # whether pictures stay on the card; the one in use, or -1


class FrameRing:
    """The memory of the ring, for whoever made it and for whoever opened it."""

    def __init__(self, memory: DeviceMemory, resolution: tuple[int, int], handle: bytes = b"") -> None:
        self._memory, self.handle = memory, handle  # what `open` takes, in another process
        self.shape = (resolution[1], resolution[0], 4)

    @classmethod
    def create(cls, resolution: tuple[int, int]) -> "FrameRing":
        """A new one for pictures of (width, height). Raises CudaError where there is no room, no card or no way to share."""
        memory = DeviceMemory(ring_bytes(resolution))
        try:
            return cls(memory, resolution, memory.handle)
        except CudaError:
            memory.close()
            raise

    @classmethod
    def open(cls, handle: bytes, resolution: tuple[int, int]) -> "FrameRing":
        """The one of another process. Raises CudaError where it is gone."""
        return cls(DeviceMemory.open(handle, ring_bytes(resolution)), resolution)

    def pointer(self, cell: int) -> int:
        """Where picture number `cell` is."""
        return self._memory.pointer + cell * self.shape[0] * self.shape[1] * self.shape[2]

    def close(self) -> None:
        """Give the memory back, or let go of it."""
        self._memory.close()


def ring_bytes(resolution: tuple[int, int]) -> int:
    """What a ring of pictures of (width, height) takes: whole blocks, so that nothing else is opened with it."""
    pictures = CELLS * resolution[0] * resolution[1] * 4
    return -(-pictures // BLOCK) * BLOCK


class Claims:
    """The reader's side. For one thread; `places` holds records with a `cell`, `claims` holds CLAIM."""

    def __init__(self, ring: FrameRing, places: Slot[Record], claims: Slot[Record]) -> None:
        self._ring, self._places, self._claims = ring, places, claims
        self._picture: GpuPicture | None = None
        self._refused = False
        self._claims.put({"on_card": True, "cell": -1})

    def newer(self, than: int) -> tuple[int, Record, GpuPicture] | None:
        """The newest record and its picture, which stays until the next one is taken; or None.

        None too while the picture taken before is still being copied.
        """
        found = None if self._refused else self._places.newer(than)
        if found is None or (self._picture is not None and not self._picture.copied()):
            return None
        while True:
            number, record = found
            cell = int(record["cell"])
            self._claims.put({"on_card": True, "cell": cell})
            found = self._places.newer(number)
            if found is None:  # it was still the newest when it was claimed: the writer will see the claim
                self._picture = GpuPicture(self._ring.pointer(cell), self._ring.shape)
                return number, record, self._picture

    def refuse(self) -> None:
        """Let pictures come through the host's memory from the next one on, and take none from the card."""
        if not self._refused:
            self._refused = True
            self._claims.put({"on_card": False, "cell": -1})


class Cells:
    """The writer's side: which picture to draw into next."""

    def __init__(self, claims: Slot[Record]) -> None:
        self._claims, self._newest = claims, -1

    def next(self) -> int | None:
        """A picture that nobody looks at; None where pictures go through the host's memory."""
        claim: Mapping[str, Any] | None = self._claims.get()
        if claim is None or not claim["on_card"]:
            return None
        return next(cell for cell in range(CELLS) if cell not in (self._newest, int(claim["cell"])))

    def published(self, cell: int) -> None:
        """The picture that `next` gave is the newest from now on."""
        self._newest = cell
