"""The frame that an alias-free network looks through: StyleGAN3 moves and turns its input grid (Karras et al., 2021)."""

import math

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.network_inputs import NetworkInput


@register("input", "view", formerly=("camera",))
class View(NetworkInput):
    """/network/view/*: the shape (4,) holds x, y, angle in radians, zoom as a natural logarithm."""

    x = Param(0.0, low=-1.0, high=1.0, doc="Moves the picture to the right, in widths of the frame.", slew_s=0.05)
    y = Param(0.0, low=-1.0, high=1.0, doc="Moves the picture down, in heights of the frame.", slew_s=0.05)
    angle = Param(0.0, low=-0.5, high=0.5, unit="turns", doc="Turns the picture.", slew_s=0.05)
    zoom = Param(0.0, low=-2.0, high=2.0, unit="octaves", doc="Enlarges the picture; below 0 its edges show.", slew_s=0.05)

    def step(self, context: TickContext) -> FloatArray:
        return np.array((self.x, self.y, self.angle * math.tau, self.zoom * math.log(2)), np.float32)
