"""Network bending: chosen feature maps are moved, turned, zoomed and turned up inside the network (Broad et al., 2021)."""

import math

import numpy as np

from engine.core.params import Param
from engine.core.registry import register
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.network_inputs import NetworkInput


@register("input", "bend")
class Bend(NetworkInput):
    """/network/bend/*: the shape (K, 6) has a row for each of the resolutions 4, 8, 16, 32, 64 px that the network has."""

    layer = Param(2, low=0, high=4, doc="Where: 0 the 4 px layers, 1 the 8 px layers, up to 4, the 64 px layers.")
    x = Param(0.0, low=-1.0, high=1.0, doc="Moves feature maps to the right, in widths of the frame.", slew_s=0.05)
    y = Param(0.0, low=-1.0, high=1.0, doc="Moves feature maps down, in heights of the frame.", slew_s=0.05)
    zoom = Param(0.0, low=-2.0, high=2.0, unit="octaves", doc="Enlarges feature maps; below 0 makes them smaller.", slew_s=0.05)
    angle = Param(0.0, low=-0.5, high=0.5, unit="turns", doc="Turns feature maps.", slew_s=0.05)
    gain = Param(0.0, low=-2.0, high=2.0, unit="octaves", doc="Turns feature maps up, or down below 0.", slew_s=0.05)
    share = Param(0.5, doc="How many of the feature maps.", slew_s=0.05)

    def step(self, context: TickContext) -> FloatArray:
        rows = np.zeros(self.shape, np.float32)
        moved = self.x, self.y, self.zoom * math.log(2), self.angle * math.tau, self.gain * math.log(2)
        if self.share and any(moved):  # else the network would do the work and nothing would show
            rows[min(int(self.layer), self.shape[0] - 1)] = (*moved, self.share)
        return rows
