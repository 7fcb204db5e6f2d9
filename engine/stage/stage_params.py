"""The presenter's own parameters, /stage/... and /limiter/..."""

from engine.core.params import Param, Parametric

FITS = ("crop", "mirror", "tile")


class StageSettings(Parametric):
    """How the picture is put on the screen, and the look that shows where there is no network."""

    network = Param(1.0, doc="How much of the network shows; the rest is the procedural look.", slew_s=0.05)
    blend = Param(True, doc="Blend each network frame into the next, at half a network frame of latency.")
    fit = Param("mirror", choices=FITS, doc="How a square fills the screen: cut off, mirrored or repeated at the sides.")
    sharpen = Param(0.5, doc="Edge contrast before the picture is enlarged.")
    grain = Param(0.15, doc="Film grain in the picture's own pixels.")
    flow = Param(0.35, high=4.0, doc="Speed of the procedural look.")
    glow = Param(0.5, doc="Brightness of the procedural look.")
    hue = Param(0.0, doc="Palette of the procedural look, once round the colour circle.", unit="turns")
    scale = Param(1.0, low=0.1, doc="Largest internal size, as a part of the output's.")


class LimiterSettings(Parametric):
    """The limit on flashes of the whole field, WCAG 2.2's general and red flash."""

    on = Param(True, doc="Off lets every flash through: only before an audience that was warned.", formerly=("enabled",))
    flashes = Param(3.0, low=0.5, high=30.0, curve="exp", unit="1/s", doc="Most flashes of the whole field in a second.")
