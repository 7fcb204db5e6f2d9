"""The OpenGL context: making one without a display, telling software from hardware, waiting without the GIL."""

import ctypes
import ctypes.util
import os
import sys
from typing import Any

import moderngl

GL_SYNC_GPU_COMMANDS_COMPLETE, GL_SYNC_FLUSH_COMMANDS_BIT = 0x9117, 0x0001
EGL_CUDA_DEVICE_NV, MOST_EGL_DEVICES = 0x323A, 64
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software renderer", "gdi generic", "basic render")


def headless_context() -> Any:
    """A GL 3.3+ core context with no window, through EGL on Linux. Raises RuntimeError that says what to install."""
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    try:
        create: Any = moderngl.create_context  # its stub knows no backends
        if not sys.platform.startswith("linux"):
            return create(standalone=True, require=330)
        device = cuda_egl_device()
        return create(standalone=True, require=330, backend="egl", **({} if device is None else {"device_index": device}))
    except Exception as error:  # moderngl raises plain Exception
        needs = "OpenGL 3.3 without a display (Debian: libegl1 libgl1 libgl1-mesa-dri)"
        raise RuntimeError(f"expected {needs}; got {error}") from error


def cuda_egl_device(card: int = 0) -> int | None:
    """The number of the EGL device that is CUDA's `card`, so that its pictures need not leave it; None where there is none.

    EGL counts devices in its own order, those of processors too. Not every EGL can tell: then the first one is as good.
    """
    try:
        library = ctypes.CDLL(ctypes.util.find_library("EGL") or "libEGL.so.1")
    except OSError:
        return None
    library.eglGetProcAddress.restype = ctypes.c_void_p
    found = [library.eglGetProcAddress(name) for name in (b"eglQueryDevicesEXT", b"eglQueryDeviceAttribEXT")]
    if not all(found):
        return None
    device, number = ctypes.c_void_p, ctypes.c_int
    query = ctypes.CFUNCTYPE(ctypes.c_uint, number, ctypes.POINTER(device), ctypes.POINTER(number))(found[0])
    ask = ctypes.CFUNCTYPE(ctypes.c_uint, device, number, ctypes.POINTER(ctypes.c_ssize_t))(found[1])
    devices, count = (device * MOST_EGL_DEVICES)(), number()
    if not query(MOST_EGL_DEVICES, devices, ctypes.byref(count)):
        return None
    for index in range(count.value):
        which = ctypes.c_ssize_t(-1)
        if ask(devices[index], EGL_CUDA_DEVICE_NV, ctypes.byref(which)) and which.value == card:
            return index
    return None


def is_software(context: Any) -> bool:
    """Whether the processor draws, so that every pixel counts."""
    renderer = str(context.info["GL_RENDERER"]).lower()
    return any(name in renderer for name in SOFTWARE)


class Waiter:
    """Waits for the card with the GIL released; moderngl's own calls hold it and would starve the analysis thread.

    For the thread of the context, which must be current when it is made.
    """

    def __init__(self) -> None:
        self._finish = _function("glFinish", None)
        self._fence = _function("glFenceSync", ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        self._wait = _function("glClientWaitSync", ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint64)
        self._forget = _function("glDeleteSync", None, ctypes.c_void_p)

    def wait(self) -> None:
        """Return when all that was asked of this thread's context is drawn."""
        self._finish()

    def mark(self) -> Any:
        """A fence behind all that was asked so far, to be given to `until` once."""
        return self._fence(GL_SYNC_GPU_COMMANDS_COMPLETE, 0)

    def until(self, mark: Any) -> None:
        """Return when everything before the mark is drawn, or after a second."""
        self._wait(mark, GL_SYNC_FLUSH_COMMANDS_BIT, 1_000_000_000)
        self._forget(mark)


def _function(name: str, result: Any, *arguments: Any) -> Any:
    """A function of OpenGL as a foreign call: ctypes lets go of the GIL while it runs."""
    if sys.platform == "win32":
        library = ctypes.WinDLL("opengl32")
        if hasattr(library, name):
            function = getattr(library, name)
        else:  # all after OpenGL 1.1 comes from the driver
            library.wglGetProcAddress.restype = ctypes.c_void_p
            return ctypes.WINFUNCTYPE(result, *arguments)(library.wglGetProcAddress(name.encode()))
    elif sys.platform == "darwin":
        function = getattr(ctypes.CDLL("/System/Library/Frameworks/OpenGL.framework/OpenGL"), name)
    else:
        function = getattr(ctypes.CDLL(ctypes.util.find_library("GL") or "libGL.so.1"), name)
    function.restype, function.argtypes = result, arguments
    return function
