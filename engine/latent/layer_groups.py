"""One number for each group of a network's layers: coarse up to 8 px, middle up to 32 px, fine above (StyleGAN's groups)."""

import numpy as np

from engine.core.params import Param
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray
from engine.latent.network_inputs import NetworkInput

GROUPS = ("coarse", "middle", "fine")


def shares(what: str, high: float) -> tuple[Param, Param, Param]:
    """A factor for each group: 1 leaves things as they are. `what` it multiplies goes into the manual."""
    coarse, middle, fine = (
        Param(1.0, low=0.0, high=high, slew_s=0.05, doc=f"{what} of the {group} layers: 1 as it is, 0 none.") for group in GROUPS
    )
    return coarse, middle, fine


class GroupFactors(NetworkInput):
    """Base of inputs that multiply something group by group."""

    def step(self, context: TickContext) -> FloatArray:
        return np.array([self.leaves[group].value for group in GROUPS], np.float32) - np.float32(1.0)
