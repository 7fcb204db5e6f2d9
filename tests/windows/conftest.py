"""A real X server on software GL, screenshots of it, and keys pressed on it."""

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import glfw
import numpy as np
import pytest
from PIL import ImageGrab

from engine.core.types import ByteArray

EGL_DRAW, EGL_READ = 0x3059, 0x305A


class Screen:
    """An X server of 1280 x 800. `press` types into the window that has the focus, through XTEST as a keyboard does."""

    size = (1280, 800)

    def __init__(self, name: str) -> None:
        self.name = name

    def shot(self) -> ByteArray:
        return np.asarray(ImageGrab.grab(xdisplay=self.name).convert("RGB"))

    def xdotool(self, *words: object) -> str:
        run = subprocess.run(("xdotool", *map(str, words)), check=True, capture_output=True, text=True, timeout=20)
        return run.stdout

    def focus(self, window: object) -> None:
        """Ask for the focus, which a window manager may refuse or take back while it maps windows: ask until it is so."""
        words = ("xdotool", "windowfocus", str(glfw.get_x11_window(window)))
        subprocess.run(words, check=False, capture_output=True, timeout=20)

    def press(self, window: object, *keys: str) -> None:
        self.xdotool("windowfocus", "--sync", glfw.get_x11_window(window), "key", "--delay", 20, *keys)


@pytest.fixture
def screen(server: Screen) -> Iterator[Screen]:
    """The X server, with this thread's headless EGL context put aside: two kinds of context cannot be current at once."""
    egl = ctypes.CDLL("libEGL.so.1")
    for name in ("eglGetCurrentDisplay", "eglGetCurrentSurface", "eglGetCurrentContext"):
        getattr(egl, name).restype = ctypes.c_void_p
    display, context = ctypes.c_void_p(egl.eglGetCurrentDisplay()), ctypes.c_void_p(egl.eglGetCurrentContext())
    surfaces = [ctypes.c_void_p(egl.eglGetCurrentSurface(kind)) for kind in (EGL_DRAW, EGL_READ)]
    if context:
        egl.eglMakeCurrent(display, None, None, None)
    yield server
    if context:
        egl.eglMakeCurrent(display, *surfaces, context)


@pytest.fixture(scope="session")
def server() -> Iterator[Screen]:
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: no window is tested here (apt-get install xvfb xdotool)")
    reading, writing = os.pipe()
    words = "setpriv --pdeathsig TERM Xvfb -displayfd {} -screen 0 {}x{}x24 +extension GLX -nolisten tcp"
    command = words.format(writing, *Screen.size).split()
    process = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with open(reading) as answer:
        name = ":" + answer.readline().strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        yield Screen(name)
        glfw.terminate()  # before its server goes, or Xlib ends this process
    process.terminate()
    process.wait(10)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something is so; fails after half a minute, which is far more than any of it takes on a busy machine."""

    def wait(so: Callable[[], bool]) -> None:
        end_s = time.monotonic() + 30.0
        while not so():
            assert time.monotonic() < end_s, "waited half a minute in vain"
            time.sleep(0.02)

    return wait
