"""The parameters of the show as a whole, /master/..."""

from engine.params import Param, Parametric, Trigger


class Master(Parametric):
    """What the performer's hand rests on."""

    level = Param(1.0, slew_s=0.5, doc="Fades the output to black and back.")
    panic = Param(Trigger, doc="Back to the patch as saved: not frozen, not black, full level, everything remembered forgotten.")
