"""The dominant colours of the finished picture, for lights: measured on the card, read back late, so that nothing waits."""

from typing import Any

from engine.stage.gl_context import Waiter, is_software
from engine.stage.gl_program import Program, Target
from engine.stage.palette import Colour, Palette
from engine.stage.pass_fusion import source
from engine.stage.readback import Readback

GRID = (32, 18)
EVERY_S = 0.1
LAG = 3  # pictures that drivers queue at most; older ones are drawn


class Colours:
    """Call `push` after each draw while anyone follows. For the thread of the context; `colours` may be read from any.

    The targets and programs that others draw with are left as they are: everything on the stage binds its own.
    """

    def __init__(self, context: Any) -> None:
        self._program = Program(context, "#version 330 core\n" + source("prelude") + source("mosaic"))
        self._target = Target(context, GRID, "f1")
        self._readback, self._palette = Readback(context, GRID), Palette()
        self._waiter = Waiter() if is_software(context) else None
        self._lag = LAG if self._waiter is None else 1
        self._due_s = 0.0
        self._age = 0  # pushes since the picture that is being read was drawn

    @property
    def colours(self) -> tuple[Colour, ...]:
        """Five colours (r, g, b), 0..1 sRGB, commonest first; black before the first picture."""
        return self._palette.colours

    def push(self, framebuffer: Any, now_s: float) -> None:
        """Take the finished picture, ten times a second at most; its colours are there a few pushes later."""
        self._age += 1
        if self._age >= self._lag:
            picture = self._readback.last()
            if picture is not None:
                self._palette.step(picture)
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        pixel = {"pixel": (1 / GRID[0], 1 / GRID[1])}
        self._program.draw(self._target.framebuffer, {"source": framebuffer.color_attachments[0]}, pixel)
        if self._waiter is not None:
            self._waiter.wait()  # as the renderer settles: it would otherwise be waited for with the interpreter held
        picture = self._readback.push(self._target.framebuffer)
        if picture is not None:  # pushed so seldom that the one before was never asked for
            self._palette.step(picture)
        self._age = 0

    def release(self) -> None:
        """Give everything back."""
        self._program.release()
        self._target.release()
        self._readback.release()
