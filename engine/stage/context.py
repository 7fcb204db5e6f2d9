"""The OpenGL context: making one without a display, telling software from hardware, waiting without the GIL."""

import ctypes
import ctypes.util
import os
import sys
from typing import Any

import moderngl

GL_SYNC_GPU_COMMANDS_COMPLETE, GL_SYNC_FLUSH_COMMANDS_BIT = 0x9117, 0x0001
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software renderer", "gdi generic", "basic render")


def headless_context() -> Any:
    """A GL 3.3+ core context with no window, through EGL on Linux. Raises RuntimeError that says what to install."""
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    try:
        create: Any = moderngl.create_context  # its stub knows no backends
        return create(standalone=True, require=330, **({"backend": "egl"} if sys.platform.startswith("linux") else {}))
    except Exception as error:  # moderngl raises plain Exception
        needs = "OpenGL 3.3 without a display (Debian: libegl1 libgl1 libgl1-mesa-dri)"
        raise RuntimeError(f"expected {needs}; got {error}") from error


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
