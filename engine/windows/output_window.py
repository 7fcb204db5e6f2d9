"""The audience's window: nothing but the picture."""

import math
import time
from typing import Any

import glfw
import moderngl

from engine.windows.awake import Awake
from engine.windows.display import find_monitor, listen, monitor_names, monitor_under, name_of, open_window
from engine.windows.keys import Keyboard, KeyCommand

LOOK_EVERY_S = 1.0
_VERTEX = """
#version 330
out vec2 uv;
void main() {
    uv = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0);
}
"""
_FRAGMENT = """
#version 330
uniform sampler2D picture;
in vec2 uv;
out vec4 colour;
void main() { colour = vec4(texture(picture, uv).rgb, 1.0); }
"""


class OutputWindow:
    """A window with an OpenGL 3.3 core context. All calls belong to the main thread, where GLFW lives.

    `context` is the moderngl context of the show; `keyboard` collects the keys of this and the operator's window;
    `refresh_hz` is the rate of the monitor under the window, 60 where the system does not say. A full screen whose
    monitor is unplugged becomes a window, and fills the monitor again when it is back.
    Raises DisplayError without a display, a monitor of that name, or OpenGL 3.3.
    """

    def __init__(
        self,
        size: tuple[int, int] = (1280, 720),
        title: str = "Clavilux",
        monitor: str | None = None,
        fullscreen: bool = False,
    ) -> None:
        target = find_monitor(monitor)
        self.handle: Any = open_window(size, title)
        left, top, width, height = glfw.get_monitor_workarea(target)
        self._place = (left + max(width - size[0], 0) // 2, top + max(height - size[1], 0) // 2, *size)
        if monitor is not None:
            glfw.set_window_pos(self.handle, *self._place[:2])
        self._awaited: tuple[str, bool] | None = None  # part of a monitor's name, and whether to fill it
        self._fills: str | None = None  # the name of the monitor that the picture is meant to fill
        self.keyboard = Keyboard()
        listen(self.handle, self.keyboard)
        glfw.set_input_mode(self.handle, glfw.CURSOR, glfw.CURSOR_HIDDEN)
        glfw.make_context_current(self.handle)
        glfw.swap_interval(1)
        self.context = moderngl.create_context(require=330)
        self._program = self.context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._quad = self.context.vertex_array(self._program, [])
        self._sampler = self.context.sampler(repeat_x=False, repeat_y=False)
        self._sampler.filter = (moderngl.LINEAR, moderngl.LINEAR)
        if fullscreen:
            self._fill(target)
        glfw.show_window(self.handle)
        self._awake = Awake()
        self.resized = False
        self.refresh_hz = 60.0
        self._size, self._looked_s = size, -math.inf
        self._measure()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the framebuffer in pixels; of a minimised window, those it had before."""
        return self._size

    @property
    def should_close(self) -> bool:
        """Whether the desktop asked the window to close."""
        return bool(glfw.window_should_close(self.handle))

    @property
    def fullscreen(self) -> bool:
        """Whether the picture fills a monitor."""
        return bool(glfw.get_window_monitor(self.handle))

    def poll(self) -> tuple[KeyCommand, ...]:
        """Take what came from the desktop and return the keys' commands, of the operator's window too.

        Full screen is switched here; its command is returned all the same. `resized` says whether the framebuffer
        changed since the last call.
        """
        glfw.poll_events()
        commands = self.keyboard.take()
        if any(command.name == "fullscreen" for command in commands):
            self.toggle_fullscreen()
            glfw.poll_events()
        if self._fills is not None and not self.fullscreen and self._fills in monitor_names():
            self._fill(find_monitor(self._fills))
            glfw.poll_events()
        self._look_for_awaited()
        self.resized = self._measure()
        return commands

    def show(self, picture: moderngl.Texture | moderngl.Framebuffer) -> None:
        """Draw `picture` as large as fits, in its own proportions on black, and swap (waits for the display's vsync)."""
        texture: Any = picture.color_attachments[0] if isinstance(picture, moderngl.Framebuffer) else picture
        width, height = self._size
        scale = min(width / texture.width, height / texture.height)
        across, down = round(texture.width * scale), round(texture.height * scale)
        screen = self.context.screen
        screen.viewport = (0, 0, width, height)
        screen.use()
        if (across, down) != (width, height):
            screen.clear()
        screen.viewport = ((width - across) // 2, (height - down) // 2, across, down)
        self.context.disable(moderngl.BLEND | moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        texture.use(0)
        self._sampler.use(0)
        self._quad.render(moderngl.TRIANGLE_STRIP, vertices=4)
        self._sampler.clear(0)
        glfw.swap_buffers(self.handle)

    def await_monitor(self, name: str, fullscreen: bool) -> None:
        """Go to the monitor whose name holds `name` as soon as there is one, and fill it if `fullscreen`."""
        self._awaited = (name, fullscreen)

    def toggle_fullscreen(self) -> None:
        """Fill the monitor under the window, or go back to the window's old place."""
        if self._fills is not None:
            no_monitor: Any = None
            self._fills = None
            glfw.set_window_monitor(self.handle, no_monitor, *self._place, glfw.DONT_CARE)
        elif (monitor := monitor_under(self.handle)) is not None:
            self._place = (*glfw.get_window_pos(self.handle), *glfw.get_window_size(self.handle))
            self._fill(monitor)

    def close(self) -> None:
        """Destroy the window and its context, once, and let the machine sleep again."""
        self._awake.close()
        if self.handle is not None:
            glfw.destroy_window(self.handle)
            self.handle = None

    def _look_for_awaited(self) -> None:
        if self._awaited is None or not any(self._awaited[0].lower() in name.lower() for name in monitor_names()):
            return
        (name, fullscreen), self._awaited = self._awaited, None
        monitor = find_monitor(name)
        if fullscreen:
            self._fill(monitor)
        else:
            left, top, *_ = glfw.get_monitor_workarea(monitor)
            glfw.set_window_pos(self.handle, left, top)
        glfw.poll_events()

    def _fill(self, monitor: Any) -> None:
        mode = glfw.get_video_mode(monitor)  # the desktop's own mode: nothing is switched, nothing flickers
        glfw.set_window_monitor(self.handle, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate)
        self._fills = name_of(monitor)

    def _measure(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._looked_s > LOOK_EVERY_S:  # where the window is, is a question to the X server
            self._looked_s = now_s
            if (monitor := monitor_under(self.handle)) is not None:
                self.refresh_hz = float(glfw.get_video_mode(monitor).refresh_rate or 60)
        width, height = glfw.get_framebuffer_size(self.handle)
        if (width, height) == self._size or 0 in (width, height):
            return False
        self._size = (width, height)
        return True
