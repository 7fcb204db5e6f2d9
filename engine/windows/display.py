"""GLFW's start, the monitors, and key names: what both windows need before and beside themselves."""

import os
import sys
import time
from typing import Any

import glfw

from engine.windows.keys import Keyboard

_last_error = ""


class DisplayError(OSError):
    """A window or monitor that cannot be had; the message says what there is."""


def start() -> None:
    """Start GLFW; more calls do nothing. Main thread only. Raises DisplayError without a display."""
    glfw.set_error_callback(_note_error)
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DisplayError("expected a display; got neither DISPLAY nor WAYLAND_DISPLAY from the environment")
    if not glfw.init():
        raise DisplayError(f"expected a display; got {last_error()!r} from GLFW")
    if not glfw.get_monitors():
        raise DisplayError("expected a display; got no monitor from GLFW")


def displays_available() -> tuple[bool, str]:
    """Whether a window can be opened here, and the reason in words if not. Main thread only."""
    try:
        start()
    except DisplayError as error:
        return False, str(error)
    return True, ""


def last_error() -> str:
    """GLFW's newest complaint, for a message of our own."""
    return _last_error


def monitor_names() -> tuple[str, ...]:
    """The connected monitors, the primary one first. GLFW must have been started."""
    return tuple(name_of(monitor) for monitor in glfw.get_monitors())


def name_of(monitor: Any) -> str:
    """What the system calls a monitor."""
    return _text(glfw.get_monitor_name(monitor) or "")


def find_monitor(name: str | None) -> Any:
    """The first monitor whose name holds `name`, in any case; the primary one for None. Raises DisplayError with the list."""
    start()
    if name is None:
        return glfw.get_primary_monitor()
    for monitor in glfw.get_monitors():
        if name.lower() in name_of(monitor).lower():
            return monitor
    raise DisplayError(f"expected a monitor, one of {', '.join(monitor_names())}; got {name!r}")


def monitor_under(window: Any) -> Any:
    """The monitor that shows most of `window`, or None while there is no monitor."""
    own = glfw.get_window_monitor(window)
    if own:
        return own
    left, top = glfw.get_window_pos(window)
    width, height = glfw.get_window_size(window)

    def shared(monitor: Any) -> int:
        x, y = glfw.get_monitor_pos(monitor)
        mode = glfw.get_video_mode(monitor).size
        across = min(left + width, x + mode.width) - max(left, x)
        down = min(top + height, y + mode.height) - max(top, y)
        return int(max(across, 0) * max(down, 0))

    return max(glfw.get_monitors(), key=shared, default=None)


def open_window(size: tuple[int, int], title: str, shared_with: Any = None) -> Any:
    """A hidden GLFW window with OpenGL 3.3 core, its objects shared with another window's. Raises DisplayError."""
    start()
    glfw.default_window_hints()
    for hint, value in (
        (glfw.CONTEXT_VERSION_MAJOR, 3),
        (glfw.CONTEXT_VERSION_MINOR, 3),
        (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
        (glfw.OPENGL_FORWARD_COMPAT, True),  # macOS gives core contexts on no other terms
        (glfw.AUTO_ICONIFY, False),  # the audience's picture stays when the performer clicks elsewhere
        (glfw.DEPTH_BITS, 0),
        (glfw.STENCIL_BITS, 0),
        (glfw.VISIBLE, False),
    ):
        glfw.window_hint(hint, value)
    handle = glfw.create_window(*size, title, None, shared_with)
    if not handle:
        raise DisplayError(f"expected a window with OpenGL 3.3; got {last_error()!r} from GLFW")
    return handle


def listen(window: Any, keyboard: Keyboard) -> None:
    """Send the key presses of `window` to `keyboard`. Presses with Ctrl, Alt or Super held are the desktop's."""

    def on_key(_window: Any, key: int, scancode: int, action: int, mods: int) -> None:
        if action != glfw.RELEASE and not mods & (glfw.MOD_CONTROL | glfw.MOD_ALT | glfw.MOD_SUPER):
            keyboard.press(_key_name(key, scancode), time.monotonic(), held=action == glfw.REPEAT)

    glfw.set_key_callback(window, on_key)


_PLAIN_KEYS = {
    glfw.KEY_UP: "up",
    glfw.KEY_DOWN: "down",
    glfw.KEY_LEFT: "left",
    glfw.KEY_RIGHT: "right",
    glfw.KEY_ENTER: "enter",
    glfw.KEY_KP_ENTER: "enter",
    glfw.KEY_ESCAPE: "escape",
    glfw.KEY_F11: "f11",
    **{base + n: str(n) for base in (glfw.KEY_0, glfw.KEY_KP_0) for n in range(1, 10)},
}


def _key_name(key: int, scancode: int) -> str:
    # GLFW's own codes are places on a US keyboard: Q would be A in France. Digits stay places, shifted or not.
    return _PLAIN_KEYS.get(key) or (glfw.get_key_name(key, scancode) or "").lower()


def _note_error(code: int, words: str | bytes) -> None:
    global _last_error
    _last_error = _text(words)


def _text(words: str | bytes) -> str:  # the binding gives either, by version
    return words if isinstance(words, str) else words.decode(errors="replace")


if __name__ == "__main__":  # for scripts: exit code 1, and the reason, where no window can be opened
    _available, _reason = displays_available()
    sys.exit(_reason if not _available else 0)
