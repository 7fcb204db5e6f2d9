"""The musical clock: whoever keeps the beat, hands, a MIDI clock or what is heard, it runs on without a jump."""

import math
from collections.abc import Sequence

from engine.control.taps import Taps
from engine.control.tempo import HIGH_BPM, LOW_BPM, RESTING_BPM, SyncSettings, TempoSettings
from engine.control.transport_state import FACTORS, read_state
from engine.control.tree import ParamTree
from engine.core.params import Leaf
from engine.core.tick_context import BEATS_A_BAR, TickContext
from engine.core.types import Change, ClockState, FeatureFrame, Music, Value

SURE = 0.2  # the tempo confidence from which what is heard is followed
STEADY, UNSTEADY = 0.4, 0.2  # from which, and down to which, its beats are events and can be foretold
PULL_S = 0.3  # how fast the clock is drawn to the beat that it follows
PULL_BEATS = 0.15  # the same, for what hands ask: there within a beat
NEAR = 0.1  # of a step: an error this small is made good at once
LEAD_PULL = 0.25  # of the pace: how fast the picture's lead over the sound may change
FRESH_S = 0.5  # a MIDI clock that was silent for longer is not followed
LOST_BEATS = 0.5  # a MIDI clock that is off by more was started or moved
LONGEST_AWAY_S = 60.0  # a show that comes back later begins its bars anew
LONGEST_AGO_S = 1.0  # between a press and the hop in which it counts
BARS_A_PHRASE = 8
TOLD_BPM = 0.01  # the least change of the tempo that is told

HANDS, CLOCK, ANALYSIS, REST = "hands", "clock", "analysis", "rest"


class Transport:
    """Beats, bars and the tempo in force, stepped once a hop by one thread.

    The goal is where the beat is; the clock is drawn to it and never runs backwards. Hands move the goal; a MIDI clock or the
    analysis, while it is followed, holds it. The picture's beats lead the clock's by the latency that a step is given, plus
    /sync/offset_ms. With a `tree`, /tempo and /sync are put there. What a step does follows from its inputs and what went before.
    """

    def __init__(self, hop_s: float, tree: ParamTree | None = None) -> None:
        self.hop_s, self.tempo, self.sync = hop_s, TempoSettings(), SyncSettings()
        self.bpm, self.source = RESTING_BPM, REST
        self._tree = tree
        self._bpm_leaf, self._hold_leaf, self._source_leaf = (self.tempo.leaves[name] for name in ("bpm", "hold", "source"))
        self._offset_leaf, self._calibrate_leaf = self.sync.leaves["offset_ms"], self.sync.leaves["calibrate"]
        self._context: TickContext | None = None
        self._taps = Taps()
        self._goal = self._beats = self._led = self._lead = 0.0  # in beats
        self._start = 0  # a beat of the goal's count that is a first of the bar
        self._held, self._hands_bpm, self._told_bpm = False, RESTING_BPM, RESTING_BPM
        self._followed = ""  # clock or analysis, while its beat holds the goal
        self._ones = {CLOCK: 0.0, ANALYSIS: 0.0}  # by how many of its own beats its bars begin later than it says
        self._factors, self._nudges = {CLOCK: 1.0, ANALYSIS: 1.0}, {CLOCK: 0.0, ANALYSIS: 0.0}
        self._clock_beats = 0.0
        self._place: tuple[float, float] | None = None  # in the bar, and when that was heard: one object, for other threads
        self._back: tuple[float, float] | None = None  # the same of a show that came back
        self._resynced: tuple[str, ...] = ()  # whose bars hands had moved before it did
        self._steady = self._quick = False
        self._phrases, self._phrase_bar = 0, 0
        if tree is not None:
            tree.attach("tempo", self.tempo.leaves)
            tree.attach("sync", self.sync.leaves)

    @property
    def music(self) -> Music:
        """The musical time in force at the newest step: of the sound, not of the picture."""
        return Music(self.bpm, self._beats, self.source, (self._led - self._beats) * 60.0 / self.bpm)

    def release(self) -> None:
        """Hands let go of all that they hold: tempo, factors, nudges."""
        self._held = False
        if self.source == HANDS:
            self.source = REST
        self._taps.clear()
        for name in (CLOCK, ANALYSIS):
            self._factors[name], self._nudges[name] = 1.0, 0.0
        if self._hold_leaf.base:
            self._answer(self._hold_leaf, False)

    def forget(self) -> None:
        """Hands let go, and bars begin where whoever is followed says."""
        self.release()
        for name in self._ones:
            self._ones[name] = 0.0
        self._resynced = ()

    def state(self) -> dict[str, object]:
        """What hands asked of the beat and no parameter holds, fit for JSON. From any thread."""
        place, t_heard = self._place or (None, None)
        resynced = [name for name, beats in self._ones.items() if beats]
        return {
            "factors": dict(self._factors),
            "nudges": dict(self._nudges),
            "resynced": resynced,
            "place": place,
            "t_heard": t_heard,
        }

    def restore(self, state: object) -> list[str]:
        """Take back a `state`, before the first step; what cannot be taken is returned as messages, the rest is in force.

        The bar goes on as if it had never stopped, if it was not long ago and the machine has not been started anew since.
        """
        place, refused = read_state(state, self._factors, self._nudges)
        if place is not None:
            self._back, self._resynced = (place.beats, place.t_heard), place.resynced
        return refused

    def step(
        self, features: FeatureFrame, changes: Sequence[Change] = (), latency_s: float = 0.0, clock: ClockState | None = None
    ) -> TickContext:
        """The context of this hop, given what hands changed, how late pictures are seen, and where a MIDI clock stands.

        Hops that were never analysed pass as time, up to a second of them.
        """
        context = self._context
        if context is None:
            context = self._context = TickContext(features, tick=features.tick - 1)
        hops = min(max(features.tick - context.tick, 1), max(1, int(1.0 / self.hop_s)))
        dt_s = hops * self.hop_s
        self._goal += dt_s * self.bpm / 60.0
        for change in changes:
            if change.address.startswith("/tempo/"):
                self._obey(change, features.t_heard)
        self._take_bases()
        if self._back is not None:
            context.bars = self._come_back(*self._back, features.t_heard, dt_s)
        self._choose(features, clock, dt_s)
        if self.bpm != self._told_bpm and abs(self.bpm - self._told_bpm) >= TOLD_BPM:
            self._told_bpm = self.bpm
            self._answer(self._bpm_leaf, self.bpm)
        nominal, share = dt_s * self.bpm / 60.0, self._share(dt_s)
        self._beats += _drawn(nominal, self._goal - self._beats - nominal, share)
        before, led = self._led, self._lead_on(nominal, latency_s)
        bars = context.bars
        nominal_bars = (led - before) / BEATS_A_BAR
        error = (led - self._start) / BEATS_A_BAR - bars - nominal_bars
        context.bars = bars + _drawn(nominal_bars, error, share)
        if self._quick and abs(error) < 0.002 and abs(self._goal - self._beats) < 0.005:
            self._quick = False
        context.features, context.tick, context.dt_s, context.time_s = features, features.tick, dt_s, features.time_s
        context.beats, context.pace = led, self.bpm / (60.0 * BEATS_A_BAR)
        context.beat_now = math.floor(led) > math.floor(before)
        context.bar_now = math.floor(context.bars) > math.floor(bars)
        context.phrases = self._phrases + math.floor((context.bars - self._phrase_bar) / BARS_A_PHRASE)
        context.steady = self._steady
        known = self.source in (HANDS, CLOCK)
        context.sure = 1.0 if known else features.values.get("tempo_confidence", 0.0)
        context.bpm = features.values.get("tempo_bpm", 0.0) if self.source == REST else self.bpm
        self._place = ((self._goal - self._start) % BEATS_A_BAR, features.t_heard)
        return context

    def _come_back(self, place: float, t_heard: float, now_s: float, dt_s: float) -> float:
        """Go on from `place` at `t_heard`, in force at the end of this hop. Returns the bars at its beginning."""
        self._back = None
        if 0.0 <= now_s - t_heard <= LONGEST_AWAY_S:
            self._goal = place + (now_s - t_heard) * self.bpm / 60.0
            self._beats = self._led = max(self._goal - dt_s * self.bpm / 60.0, 0.0)
        else:
            self._resynced = ()
        return self._led / BEATS_A_BAR

    # --- hands ---------------------------------------------------------------------------------------------------------

    def _obey(self, change: Change, t_heard: float) -> None:
        """What a hand asked. It was pressed `ago_s` before the end of this hop was heard: there, not here, is its beat."""
        name = change.address.removeprefix("/tempo/")
        ago_s = t_heard - change.t_posted
        if abs(ago_s) > LONGEST_AGO_S:  # a film's sound is heard when it likes
            ago_s = 0.0
        if name == "tap":
            if self._taps.press(change.t_posted):
                if self._taps.bpm > 0.0:
                    self._hold(self._taps.bpm)
                if self._held:
                    self._goal = self._nearest_beat(ago_s) + ago_s * self.bpm / 60.0
        elif name == "resync":
            self._begin_bar(ago_s)
        elif name in ("half", "double"):
            self._scale(0.5 if name == "half" else 2.0)
        elif name == "nudge":
            self._goal += float(change.value)  # type: ignore[arg-type]
            if self._followed:
                self._nudges[self._followed] += float(change.value)  # type: ignore[arg-type]
            self._answer(self.tempo.leaves["nudge"], 0.0)
        elif name == "bpm":
            self._hold(float(change.value))  # type: ignore[arg-type]
        elif name == "release":
            self.release()
            return
        else:
            return
        self._quick = True

    def _hold(self, bpm: float) -> None:
        self._held, self._hands_bpm, self.bpm = True, bpm, bpm
        self._told_bpm = bpm
        self._answer(self._bpm_leaf, bpm)
        if not self._hold_leaf.base:
            self._answer(self._hold_leaf, True)

    def _take_bases(self) -> None:
        """What came into the tree without a hand: from the command line, a patch or the journal."""
        base: float = self._bpm_leaf.base  # type: ignore[assignment]
        hold = self._hold_leaf.base
        if self._held and not hold:
            self.release()
        if base != self._told_bpm:
            self._told_bpm = base
            if (hold and not self._held) or self.source == REST:
                self.bpm = base
        if hold and not self._held:
            self._hold(self.bpm)

    def _nearest_beat(self, ago_s: float) -> int:
        return round(self._goal - ago_s * self.bpm / 60.0)

    def _begin_bar(self, ago_s: float) -> None:
        """A bar and a phrase began `ago_s` ago: on that very moment, or on the nearest beat of whom we follow."""
        beat = self._nearest_beat(ago_s)
        if self._followed:
            self._ones[self._followed] += (beat - self._start) / self._factors[self._followed]
        else:
            self._goal = beat + ago_s * self.bpm / 60.0
        self._turn_to(beat)
        if self._context is not None:
            self._phrases = self._context.phrases + 1
            self._phrase_bar = (beat - self._start) // BEATS_A_BAR

    def _turn_to(self, beat: int) -> None:
        """Let bars begin on `beat`, by the nearer way: the clock of bars waits for one beat at most, or hurries for two."""
        self._start += (beat - self._start + 2) % BEATS_A_BAR - 2

    def _scale(self, factor: float) -> None:
        bpm = self.bpm * factor
        if not LOW_BPM <= bpm <= HIGH_BPM:
            return
        if self.source in self._factors:
            scaled = self._factors[self.source] * factor
            if not FACTORS[0] <= scaled <= FACTORS[1]:
                return
            self._factors[self.source] = scaled
        if self._followed:
            return
        since = (self._goal - self._start) % BEATS_A_BAR * factor  # the present place in the bar, counted anew
        beat = round(self._goal - since)
        self._goal = beat + since
        self._turn_to(beat)
        if self._held:
            self._hold(bpm)
        self.bpm = bpm

    # --- whom to follow ------------------------------------------------------------------------------------------------

    def _choose(self, features: FeatureFrame, state: ClockState | None, dt_s: float) -> None:
        choice: str = self._source_leaf.base  # type: ignore[assignment]
        self._followed = ""
        clock = self._watch_clock(state, features.t_heard, dt_s)
        if choice == HANDS or (self._held and choice == "auto"):
            self.source, self._steady = HANDS, True
            if self._held:
                self.bpm = self._hands_bpm
            return
        if choice != ANALYSIS and clock is not None:
            self._steady = clock.sure >= (UNSTEADY if self._steady and self.source == CLOCK else STEADY)
            self._follow(CLOCK, clock.bpm, self._clock_beats)
            return
        if choice != CLOCK and self._follow_analysis(features):
            return
        self._steady = False
        if self.source != ANALYSIS or choice == CLOCK:
            self.source = REST

    def _watch_clock(self, state: ClockState | None, t_heard: float, dt_s: float) -> ClockState | None:
        """A MIDI clock that plays, with its position now: watched while hands hold, too, for a start moves its bars."""
        if state is None or not state.running or abs(t_heard - state.t) > FRESH_S:
            return None
        beats = state.beats + (t_heard - state.t) * state.bpm / 60.0
        if abs(beats - self._clock_beats - dt_s * state.bpm / 60.0) > LOST_BEATS:
            self._ones[CLOCK] = 0.0
        self._clock_beats = beats
        return state

    def _follow_analysis(self, features: FeatureFrame) -> bool:
        values = features.values
        bpm, confidence = values.get("tempo_bpm", 0.0), values.get("tempo_confidence", 0.0)
        if bpm <= 0.0 or confidence < SURE:
            return False
        self._steady = confidence >= (UNSTEADY if self._steady and self.source == ANALYSIS else STEADY)
        if "bar_phase" not in values:
            self.source, self.bpm = ANALYSIS, bpm
            return True
        self._follow(ANALYSIS, bpm, values["bar_phase"] * BEATS_A_BAR)
        for event in features.events:
            if event.kind == "drop":  # nothing says more clearly where the one is; beats stay beats
                self._begin_bar(features.time_s - event.time_s)
        return True

    def _follow(self, source: str, bpm: float, beats: float) -> None:
        """Hold the goal to `beats`, which is known modulo a bar of the followed one's own."""
        factor = self._factors[source]
        if not LOW_BPM <= bpm * factor <= HIGH_BPM:
            factor = 1.0
        self.source = self._followed = source
        self.bpm = min(max(bpm * factor, LOW_BPM), HIGH_BPM)
        place = (beats - self._ones[source]) % BEATS_A_BAR * factor
        error = place + self._nudges[source] - self._goal
        self._goal += error - math.floor(error + 0.5)
        span = min(round(BEATS_A_BAR * factor), BEATS_A_BAR)  # beats within which the place in the bar is known
        off = round(self._goal - self._nudges[source] - place) - self._start
        off = (off + span // 2) % span - span // 2
        if off and source in self._resynced:  # it counts anew since the show came back: the bars of hands stay
            self._ones[source] -= off / factor
        elif off:
            self._turn_to(self._start + off)
        self._resynced = tuple(name for name in self._resynced if name != source)

    # --- the clock -----------------------------------------------------------------------------------------------------

    def _share(self, dt_s: float) -> float:
        pull_s = min(PULL_S, PULL_BEATS * 60.0 / self.bpm) if self._quick else PULL_S
        return 1.0 - math.exp(-dt_s / pull_s)

    def _lead_on(self, nominal: float, latency_s: float) -> float:
        """Move the picture's beats one step. An unsteady beat cannot be foretold: the picture then follows it."""
        wanted = 0.0
        if self._steady or self._calibrate_leaf.base:
            offset_ms: float = self._offset_leaf.value  # type: ignore[assignment]
            wanted = (latency_s + offset_ms * 1e-3) * self.bpm / 60.0
        reach = LEAD_PULL * nominal
        self._lead += min(max(wanted - self._lead, -reach), reach)
        self._led = max(self._led, self._beats + self._lead)
        return self._led

    def _answer(self, leaf: Leaf, value: Value) -> None:
        """Say in the tree what is so: a query asks for the base."""
        if self._tree is None:
            leaf.set_base(value)
        else:
            self._tree.set_base(leaf.address, value)


def _drawn(nominal: float, error: float, share: float) -> float:
    """A step of `nominal`, drawn towards the goal it would miss by `error`; never backwards."""
    return max(0.0, nominal + (error if abs(error) <= NEAR * nominal else error * share))
