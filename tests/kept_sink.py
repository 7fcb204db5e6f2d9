"""A sink that keeps what it is given, for tests of outputs."""

import threading
from typing import Self

from engine.core.types import ByteArray, FloatArray
from engine.outputs.sink import Sink


class Kept(Sink):
    """Keeps what it is given; `hold` and `fail` come before a picture."""

    takes_sound = True

    def __init__(self, title: str = "kept") -> None:
        super().__init__(title)
        self.pictures: list[tuple[float, ByteArray]] = []
        self.sounds: list[tuple[float, int]] = []
        self.sizes: list[tuple[int, int]] = []
        self.hold: threading.Event | None = None
        self.fail = False

    @classmethod
    def from_target(cls, target: str) -> Self:
        return cls(target)

    def write_picture(self, rgba: ByteArray, t_s: float) -> None:
        if self.hold is not None:
            self.hold.wait()
        if self.fail:
            raise RuntimeError("no ink")
        self.pictures.append((t_s, rgba.copy()))

    def write_sound(self, stereo: FloatArray, t_s: float) -> None:
        self.sounds.append((t_s, len(stereo)))

    def change_size(self, size: tuple[int, int]) -> None:
        self.sizes.append(size)
