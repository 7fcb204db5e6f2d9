"""The hand's hold on tempo and timing: the parameters of /tempo and /sync."""

from engine.core.params import Param, Parametric, Trigger

RESTING_BPM = 120.0  # the pace of a show that has heard no beat yet
LOW_BPM, HIGH_BPM = 20.0, 400.0
SOURCES = ("auto", "hands", "clock", "analysis")


class TempoSettings(Parametric):
    """/tempo: who keeps the beat, and the beat under the performer's fingers."""

    tap = Param(Trigger, doc="A beat, now: from the second on they are the tempo, each one the phase, and hands keep it.")
    resync = Param(Trigger, doc="This is the one of the bar.")
    half = Param(Trigger, doc="Half the tempo; what is heard is then followed at half its tempo.")
    double = Param(Trigger, doc="Twice the tempo; what is heard is then followed at twice its tempo.")
    nudge = Param(
        0.0,
        low=-1.0,
        high=1.0,
        unit="beats",
        adds=True,
        doc="Brings the coming beats forward by so much, once; less than 0 puts them off.",
    )
    bpm = Param(
        RESTING_BPM, low=LOW_BPM, high=HIGH_BPM, curve="exp", unit="BPM", doc="The tempo in force; once set, hands keep it."
    )
    hold = Param(False, doc="Hands keep the tempo as it is, whatever is heard.")
    release = Param(Trigger, doc="Hands let go: the tempo is followed again, as it is heard.")
    source = Param("auto", choices=SOURCES, doc="Who keeps the beat; auto: hands, else a running MIDI clock, else what is heard.")


class SyncSettings(Parametric):
    """/sync: when the picture, and whoever follows by OSC, gets the beat."""

    offset_ms = Param(
        0.0,
        low=-500.0,
        high=500.0,
        unit="ms",
        doc="How much earlier a steady beat is drawn, for a slow projector.",
    )
    osc_ms = Param(0.0, low=-500.0, high=500.0, unit="ms", doc="How much earlier a steady beat is told by OSC.")
    calibrate = Param(False, doc="A flash, past the limiter, and a click on each beat: move offset_ms until they meet.")
