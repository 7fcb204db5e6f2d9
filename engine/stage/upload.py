"""How the network's pictures reach their textures: from the host at once, from the host through buffers, or from the card."""

from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from engine.core.cuda import CudaError, Event, SharedBuffer, Stream, draws_opengl
from engine.core.types import ByteArray, GpuPicture


class Upload(Protocol):
    """One way for pictures of one size. For the thread of the context."""

    def write(self, textures: list[Any], picture: Any) -> None:
        """Ask for the picture (H, W, 4) to be copied into each texture of its size; waits for as little as may be."""

    def release(self) -> None:
        """Give back what it holds."""


class DirectUpload:
    """From the host's memory into the texture. For GL that the processor draws: a buffer would be one more copy."""

    def write(self, textures: list[Any], picture: ByteArray) -> None:
        rows = np.ascontiguousarray(picture)
        for texture in textures:
            texture.write(rows)

    def release(self) -> None:
        pass


class BufferedUpload:
    """From the host's memory through two buffers of the driver's, in turns, from which the card copies by itself."""

    def __init__(self, context: Any, size: int) -> None:
        self._buffers = [context.buffer(reserve=size, dynamic=True) for _ in range(2)]

    def write(self, textures: list[Any], picture: ByteArray) -> None:
        self._buffers.reverse()
        buffer = self._buffers[0]
        buffer.orphan()  # the driver gives it other memory, if the card still reads the old
        buffer.write(np.ascontiguousarray(picture))
        for texture in textures:
            texture.write(buffer)

    def release(self) -> None:
        for buffer in self._buffers:
            buffer.release()


class GpuUpload:
    """From the card's memory into a buffer that OpenGL and CUDA share, and from there into the texture: never to the host."""

    def __init__(self, context: Any, size: int) -> None:
        """Raises CudaError where OpenGL is not drawn by the card that CUDA uses."""
        if not draws_opengl():
            raise CudaError(f"expected OpenGL on the card that CUDA uses; got {context.info['GL_RENDERER']}")
        self._size = size
        self._buffer = context.buffer(reserve=size, dynamic=True)
        self._released = False
        try:
            self._stream, self._copied = Stream(), Event()
            self._shared = SharedBuffer(self._buffer.glo)  # last: a buffer that is registered must not be released so
        except CudaError:
            self._buffer.release()
            raise

    def write(self, textures: list[Any], picture: GpuPicture) -> None:
        """Raises CudaError; the textures then stay as they were."""
        self._shared.fill(picture.pointer, self._size, self._stream)
        self._copied.record(self._stream)
        picture.copied = self._has_copied
        for texture in textures:
            texture.write(self._buffer)

    def release(self) -> None:
        self._released = True
        with suppress(CudaError):  # of a card that has failed nothing can be taken back
            self._shared.close()
            self._copied.close()
            self._stream.close()
        self._buffer.release()

    def _has_copied(self) -> bool:
        """A card that has failed has nothing to wait for either: the next write says so."""
        try:
            return self._released or self._copied.passed
        except CudaError:
            return True
