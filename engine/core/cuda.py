"""CUDA in few words: memory, streams, graphs, and memory shared with other processes and with OpenGL. Errors are exceptions.

A thin layer over the package cuda-bindings, which is imported when the first call is made. Everything is on card 0: the
variable CUDA_VISIBLE_DEVICES says which card that is. Pointers are plain numbers.
"""

import ctypes
import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from engine.core.types import ByteArray

NO_DRIVER, NOT_READY = 35, 600  # cudaError_t
NON_BLOCKING, NO_TIMING = 1, 2  # of a stream: apart from the default one; of an event
LAZY_PEER_ACCESS = 1  # the only flag that cudaIpcOpenMemHandle takes
WRITE_DISCARD = 2  # a GL buffer that CUDA only writes, and writes whole
ALL_GL_DEVICES = 1
HANDLE_BYTES = 64


class CudaError(RuntimeError):
    """A call that the driver or the card refused, or no driver at all; the message says which."""

    def __init__(self, words: str, code: int = 0) -> None:
        super().__init__(words)
        self.code = code


@cache
def runtime() -> Any:
    """The module cuda.bindings.runtime. Raises CudaError that says what to install."""
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise CudaError(f"expected the package cuda-bindings (pip install cuda-bindings); got {error}") from error


def call(name: str, *given: Any) -> Any:
    """What a function of the CUDA runtime returns beside its error: nothing, one thing or a tuple. Raises CudaError."""
    try:
        error, *found = getattr(runtime(), name)(*given)
    except CudaError:
        raise
    except RuntimeError as missing:  # the bindings could not load the driver
        raise CudaError(f"expected NVIDIA's driver; got {missing} from {name}") from missing
    if int(error):
        _, words = runtime().cudaGetErrorString(error)
        hint = ": NVIDIA's driver is missing, or too old" if int(error) == NO_DRIVER else ""
        raise CudaError(f"CUDA error {int(error)} from {name}, {bytes(words).decode()}{hint}", int(error))
    return found[0] if len(found) == 1 else tuple(found) or None


def device_count() -> int:
    """How many cards CUDA sees. Raises CudaError where there is no driver."""
    return int(call("cudaGetDeviceCount"))


def free_bytes() -> tuple[int, int]:
    """(free, all) bytes of the card's memory."""
    free, total = call("cudaMemGetInfo")
    return int(free), int(total)


class DeviceMemory:
    """`size` bytes on the card, at `pointer`. From cudaMalloc itself, so that another process can open it by its `handle`."""

    def __init__(self, size: int) -> None:
        self.size, self._opened = size, False
        self.pointer = int(call("cudaMalloc", size))

    @classmethod
    def open(cls, handle: bytes, size: int) -> "DeviceMemory":
        """The memory of another process that still holds it; not of this one. Raises CudaError."""
        given = runtime().cudaIpcMemHandle_t()
        ctypes.memmove(given.getPtr(), handle, HANDLE_BYTES)
        memory = cls.__new__(cls)
        memory.size, memory._opened = size, True
        memory.pointer = int(call("cudaIpcOpenMemHandle", given, LAZY_PEER_ACCESS))
        return memory

    @property
    def handle(self) -> bytes:
        """What `open` takes, in another process."""
        handle = call("cudaIpcGetMemHandle", self.pointer)  # held while it is read: it owns the bytes
        return ctypes.string_at(handle.getPtr(), HANDLE_BYTES)

    def close(self) -> None:
        """Give it back; what was opened is let go of. May be called again."""
        pointer, self.pointer = self.pointer, 0
        if pointer:
            call("cudaIpcCloseMemHandle" if self._opened else "cudaFree", pointer)


class PinnedMemory:
    """Memory of the host that the card reads and writes by itself: `array`, bytes, at `pointer`."""

    def __init__(self, size: int) -> None:
        self.pointer = int(call("cudaMallocHost", size))
        self.array: ByteArray = np.ctypeslib.as_array((ctypes.c_ubyte * size).from_address(self.pointer))

    def close(self) -> None:
        """Give it back; nobody may look at `array` afterwards. May be called again."""
        pointer, self.pointer = self.pointer, 0
        if pointer:
            self.array = np.empty(0, np.uint8)
            call("cudaFreeHost", pointer)


class Stream:
    """A queue of work for the card, apart from all others; or one that belongs to another library, by its `pointer`."""

    def __init__(self, pointer: int = 0) -> None:
        self._made = not pointer
        self.handle = runtime().cudaStream_t(pointer) if pointer else call("cudaStreamCreateWithFlags", NON_BLOCKING)
        self.pointer = int(self.handle)

    def copy(self, to: int, source: int, size: int) -> None:
        """Copy `size` bytes when it is their turn, between any two kinds of memory; the card knows them by their addresses."""
        call("cudaMemcpyAsync", to, source, size, runtime().cudaMemcpyKind.cudaMemcpyDefault, self.handle)

    def wait(self) -> None:
        """Return when all is done. What went wrong in earlier work is an error of this call. Raises CudaError."""
        call("cudaStreamSynchronize", self.handle)

    def close(self) -> None:
        """Give it back when its work is done; another library's is left alone."""
        if self._made:
            call("cudaStreamDestroy", self.handle)


class Event:
    """A mark in a stream, to be asked for without waiting."""

    def __init__(self) -> None:
        self._event = call("cudaEventCreateWithFlags", NO_TIMING)

    def record(self, stream: Stream) -> None:
        """Put the mark behind all that was asked of `stream` so far."""
        call("cudaEventRecord", self._event, stream.handle)

    @property
    def passed(self) -> bool:
        """Whether the work before the mark is done; True before the first mark."""
        try:
            call("cudaEventQuery", self._event)
        except CudaError as error:
            if error.code != NOT_READY:
                raise
            return False
        return True

    def close(self) -> None:
        """Give it back."""
        call("cudaEventDestroy", self._event)


class Graph:
    """Work that is asked for once and then launched as a whole: what `work` asks of `stream`, and of that stream alone."""

    def __init__(self, stream: Stream, work: Callable[[], None]) -> None:
        self._stream = stream
        call("cudaStreamBeginCapture", stream.handle, runtime().cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal)
        try:
            work()
        except BaseException:
            runtime().cudaStreamEndCapture(stream.handle)  # the stream is of use again; why it failed is what `work` raised
            raise
        graph = call("cudaStreamEndCapture", stream.handle)
        try:
            self._graph = call("cudaGraphInstantiate", graph, 0)
        finally:
            call("cudaGraphDestroy", graph)

    def launch(self) -> None:
        """Ask for all of it again."""
        call("cudaGraphLaunch", self._graph, self._stream.handle)

    def close(self) -> None:
        """Give it back."""
        call("cudaGraphExecDestroy", self._graph)


class SharedBuffer:
    """An OpenGL buffer that CUDA may fill, registered once. For the thread of its context."""

    def __init__(self, glo: int) -> None:
        """`glo` is OpenGL's number of the buffer. Raises CudaError where the context is not on this card."""
        self._resource = call("cudaGraphicsGLRegisterBuffer", glo, WRITE_DISCARD)

    def fill(self, source: int, size: int, stream: Stream) -> None:
        """Copy `size` bytes of the card's memory into it; OpenGL waits for that by itself, this thread does not."""
        call("cudaGraphicsMapResources", 1, self._resource, stream.handle)
        try:
            pointer, there = call("cudaGraphicsResourceGetMappedPointer", self._resource)
            if there < size:
                raise CudaError(f"expected a buffer of {size} bytes; got one of {there}")
            stream.copy(int(pointer), source, size)
        finally:
            call("cudaGraphicsUnmapResources", 1, self._resource, stream.handle)

    def close(self) -> None:
        """Unregister it; the buffer is OpenGL's to release."""
        call("cudaGraphicsUnregisterResource", self._resource)


def draws_opengl() -> bool:
    """Whether the card draws the current OpenGL context. False too where the processor or another maker's card does."""
    try:
        count, found = call("cudaGLGetDevices", 1 + device_count(), runtime().cudaGLDeviceList.cudaGLDeviceListAll)
    except CudaError:
        return False
    return 0 in [int(device) for device in found[:count]]  # it is padded with zeros
