"""The operator's window: the show from behind, redrawn ten times a second so that it costs the show next to nothing."""

import math
import time
from typing import Any

import glfw
import moderngl

from engine.windows.canvas import Canvas
from engine.windows.display import listen, open_window
from engine.windows.operator_page import PAGE, PAPER, draw_panel
from engine.windows.operator_state import OperatorState
from engine.windows.output_window import OutputWindow

REDRAW_HZ = 10.0


class OperatorWindow:
    """A second window that shares textures and keys with the output. All calls belong to the main thread.

    `drawn` counts its pages. Raises DisplayError if the window cannot be had.
    """

    def __init__(self, shared_with: OutputWindow) -> None:
        self._output = shared_with
        self.handle: Any = open_window(PAGE, "Clavilux: operator", shared_with.handle)
        listen(self.handle, shared_with.keyboard)
        self._move_aside()
        glfw.make_context_current(self.handle)
        glfw.swap_interval(0)  # waiting for two displays would halve the show's rate
        self._context = moderngl.create_context(require=330)
        self._canvas = Canvas(self._context)
        self._previews: dict[int, moderngl.Texture] = {}
        self._due_s = -math.inf
        self.drawn = 0  # pages
        glfw.make_context_current(shared_with.handle)
        glfw.show_window(self.handle)

    @property
    def should_close(self) -> bool:
        """Whether the desktop asked this window to close; the show goes on without it."""
        return bool(glfw.window_should_close(self.handle))

    def draw(self, preview: moderngl.Texture, state: OperatorState) -> None:
        """Draw the page with `preview`, a texture of the output's context, if a tenth of a second has passed."""
        now_s = time.monotonic()
        size = glfw.get_framebuffer_size(self.handle)
        if now_s < self._due_s or 0 in size:
            return
        self._due_s = now_s + 1.0 / REDRAW_HZ
        scale = min(size[0] / PAGE[0], size[1] / PAGE[1])
        origin = ((size[0] - PAGE[0] * scale) / 2, (size[1] - PAGE[1] * scale) / 2)
        glfw.make_context_current(self.handle)
        try:
            self._canvas.begin(scale, origin)
            draw_panel(self._canvas, state, self._output.keyboard, preview.width / preview.height, now_s)
            self._canvas.draw(self._context.screen, size, PAPER, self._here(preview))
            glfw.swap_buffers(self.handle)
            self.drawn += 1
        finally:
            glfw.make_context_current(self._output.handle)

    def close(self) -> None:
        """Destroy the window, once; the output's context is current afterwards."""
        if self.handle is not None:
            glfw.destroy_window(self.handle)
            glfw.make_context_current(self._output.handle)
            self.handle = None

    def _here(self, preview: moderngl.Texture) -> moderngl.Texture:
        # The same texture seen from this context: names are shared, moderngl's objects belong to one context each.
        known = self._previews.get(preview.glo)
        if known is None or known.size != preview.size:
            known = self._context.external_texture(preview.glo, preview.size, preview.components, preview.samples, preview.dtype)
            self._previews = {preview.glo: known}
        return known

    def _move_aside(self) -> None:
        output = glfw.get_window_monitor(self._output.handle) or glfw.get_primary_monitor()
        for monitor in glfw.get_monitors():
            if glfw.get_monitor_pos(monitor) != glfw.get_monitor_pos(output):
                left, top, width, height = glfw.get_monitor_workarea(monitor)
                place = (left + max(width - PAGE[0], 0) // 2, top + max(height - PAGE[1], 0) // 2)
                glfw.set_window_pos(self.handle, *place)
                return
