"""Parameters of the show as a whole, whatever patch plays. What is asked for once is an action: engine/control/actions."""

from engine.core.params import Param, Parametric, Trigger

PANIC = "/panic"
LOAD_PATCH, LOAD_MODEL = "/patch/load", "/model/load"  # actions whose state says what plays


class Switches(Parametric):
    """The switches at the top of the tree: /freeze, /blackout, /panic."""

    freeze = Param(False, doc="Hold the picture as it is.")
    blackout = Param(False, doc="Black, now.")
    panic = Param(Trigger, doc="Back to the patch as saved: not frozen, not black, full level, everything remembered forgotten.")


class Master(Parametric):
    """/master: the fader."""

    level = Param(1.0, slew_s=0.5, doc="Fades the output to black and back.")
