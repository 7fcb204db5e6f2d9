"""What the performer's hand rests on, whatever patch plays: parameters of the show as a whole."""

from engine.core.params import Param, Parametric, Trigger

PANIC = "/panic"
LOAD_PATCH, LOAD_MODEL = "/patch/load", "/model/load"
SHOT, RECORD, LIVE = "/shot", "/record", "/live"


class Buttons(Parametric):
    """The buttons at the top of the tree: /freeze, /blackout, /panic, ..."""

    freeze = Param(False, doc="Hold the picture as it is.")
    blackout = Param(False, doc="Black, now.")
    panic = Param(Trigger, doc="Back to the patch as saved: not frozen, not black, full level, everything remembered forgotten.")
    shot = Param(Trigger, doc="A still picture of what is shown, as PNG.")
    record = Param(False, doc="Write what is shown and heard to a file, until set to 0.")
    live = Param(False, doc="Listen to the live input instead of the track.")


class Master(Parametric):
    """/master: the fader."""

    level = Param(1.0, slew_s=0.5, doc="Fades the output to black and back.")


class Shelf(Parametric):
    """/patch or /model: what plays, by its name on the shelf. Any other value asks for a change."""

    load = Param("", doc="The name of what plays; set it to play another of the shelf.")
