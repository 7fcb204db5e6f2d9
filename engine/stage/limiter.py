"""Holds back flashes of the whole field, on the card alone: nothing is read back.

General and red flash as WCAG 2.2 counts them: a pair of opposing changes of relative luminance by 0.1 or more from below
0.8, or of saturated red. A rise that would begin a flash too soon after the last one is dimmed; falls are never held.
"""

from typing import Any

import numpy as np

from engine.stage.gl_program import Program, Target
from engine.stage.pass_fusion import source

GRID = (48, 28)


class Limiter:
    """Measures a finished picture and answers with a texel whose alpha is the gain that it may be shown with."""

    def __init__(self, context: Any) -> None:
        head = "#version 330 core\n"
        self._probe_program = Program(context, head + source("prelude") + source("probe"))
        self._program = Program(context, head + source("limiter"))
        self._probe = Target(context, GRID)
        self._states = [Target(context, (1, 1), "f4", 2) for _ in range(2)]
        for state in self._states:
            for texture in state.textures:
                texture.write(np.array([0.0, -1.0, 60.0, 1.0], "f4"))

    def step(self, picture: Any, master: float, dt_s: float, flashes_hz: float) -> Any:
        """Take one picture (encoded, shown at `master` of its light) and return the texture that holds the gain.

        `flashes_hz` of 0 lets all flashes through.
        """
        self._probe_program.draw(self._probe.framebuffer, {"source": picture}, {"pixel": (1 / GRID[0], 1 / GRID[1])})
        before, after = self._states
        textures = {"probe": self._probe.texture, "light_before": before.textures[0], "red_before": before.textures[1]}
        # A little over the period, so that four rises never fall within one second.
        gap = 1.03 / flashes_hz if flashes_hz > 0.0 else 0.0
        self._program.draw(after.framebuffer, textures, {"dt": dt_s, "master": master, "gap": gap})
        self._states.reverse()
        return after.textures[0]

    def release(self) -> None:
        """Give all back."""
        parts: list[Program | Target] = [self._probe_program, self._program, self._probe, *self._states]
        for part in parts:
            part.release()
