"""The instrument without its players: sound in hops becomes ticks. No threads, no windows: a film and a show play the same."""

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.control.action import action_leaves
from engine.control.patch import Patch, PatchError, load_patch
from engine.control.transport import Transport
from engine.control.tree import ParamTree
from engine.core import resources
from engine.core.types import ClockState, FeatureFrame, FloatArray, GeneratorInfo, Tick, TickInput, Value
from engine.features.analysis.analyser import Analysis
from engine.instrument.patch_player import PatchPlayer
from engine.instrument.show_params import LOAD_MODEL, LOAD_PATCH, Master, Switches
from engine.latent.classes import slugs
from engine.stage.passes import load_passes
from engine.stage.stage_params import LimiterSettings, StageSettings

RATE_HZ = 48000  # of the analysis; sources resample to it
ANY_CLASSES = "wildcard"  # the patch that plays models whatever their classes are called
HOP = 256  # samples a tick: 5.3 ms
HOPS_BETWEEN = RATE_HZ // HOP // 2  # snapshots of what hands set: half a second


def find_patch(name: str) -> Patch:
    """The patch called `name` on the shelf, or at a path that ends in .toml. Raises FileNotFoundError or PatchError."""
    return load_patch(Path(name) if name.endswith(".toml") else resources.find("patches", f"{name}.toml"))


def usual_patch(model: GeneratorInfo, usual: str) -> str:
    """The patch that plays a model where nobody names one: its card's, else `usual` if it names classes of it, else ANY_CLASSES.

    Raises FileNotFoundError or PatchError for a `usual` that cannot be read.
    """
    if model.patch:
        return model.patch
    patch = find_patch(usual)
    named = {*patch.palette, *(name for section in patch.sections for name in section.classes)}
    return usual if named <= set(slugs(model.class_names)) else ANY_CLASSES


class Instrument:
    """One tree with all leaves of a show, the analysis that listens and the performer that plays a patch.

    `hear` belongs to one thread; `tree.post` and `choose` may be called from any. Raises PatchError, PassError or LookupError
    for assets that cannot be used and `settings` (address, value as text) that lead nowhere.
    """

    def __init__(
        self,
        patch: Patch,
        model: GeneratorInfo,
        inputs: tuple[str, ...] = ("main",),
        seed: int = 0,
        settings: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.tree, self.passes = ParamTree(), load_passes()
        self.switches, self.master, self.stage, self.limiter = Switches(), Master(), StageSettings(), LimiterSettings()
        self.tree.attach("", self.switches.leaves)
        self.tree.attach("master", self.master.leaves)
        self.tree.attach("stage", self.stage.leaves)
        self.tree.attach("limiter", self.limiter.leaves)
        for item in self.passes:
            self.tree.attach(f"shader/{item.name}", item.leaves)
        self.transport = Transport(HOP / RATE_HZ, self.tree)
        self.analysis = Analysis(RATE_HZ, HOP, inputs)
        self.tree.attach("analysis", self.analysis.leaves)
        self.tree.replace((), action_leaves(self.tree.leaves()))
        self.latency_s = 0.0  # from a sound's arrival to the picture that it moved; whoever measures it sets it, from any thread
        self.clock: Callable[[], ClockState | None] = lambda: None  # a MIDI clock, asked once a hop: quick, and never waiting
        self.played: Callable[[FeatureFrame], FeatureFrame] | None = None  # adds what hands play on keyboards, every hop
        self._model = model
        # The patch's path, the model's name and `state()` of a recent tick, for other threads; None before the first.
        self.published: tuple[Path, str, dict[str, Value]] | None = None
        self._unpublished = 0  # hops since
        self._overrides: dict[str, Value] = {}
        self.player = PatchPlayer(patch, self.tree, model, seed, RATE_HZ, HOP, transport=self.transport)
        if settings:  # only now every address is known; they stay in force whatever patch is chosen later
            self._overrides = self._checked(settings)
            self.player.close()
            self.player = PatchPlayer(patch, self.tree, model, seed, RATE_HZ, HOP, self._overrides, self.transport)

    def listen_to(self, inputs: tuple[str, ...]) -> None:
        """Analyse another sound from its start; the picture goes on from where it is. For the thread of `hear`."""
        was, self.analysis = self.analysis.leaves, Analysis(RATE_HZ, HOP, inputs)
        leaves = self.analysis.leaves
        for name in was.keys() & leaves.keys():  # an input that is gone took its parameters along
            leaves[name].set_base(was[name].base)
        self.tree.replace([f"/analysis/{name}" for name in was], {f"/analysis/{name}": leaf for name, leaf in leaves.items()})

    def change_model(self, model: GeneratorInfo) -> None:
        """Make ticks for another model, from the next one on; what the hand set stays. For the thread of `hear`.

        Where what plays cannot be wired to it, the patch that its card names takes over, or ANY_CLASSES where it names none.
        Raises ValueError (PatchError) or OSError if that does not help either: all is then as it was.
        """
        try:
            self.player.change_model(model)
        except PatchError:
            better = model.patch or ANY_CLASSES
            if better == self.player.patch.name:
                raise
            self.player.change_model(model, find_patch(better))
        self._model = model

    def hear(self, hops: Mapping[str, FloatArray], t_heard: float) -> Tick:
        """One hop of every input, mono (HOP,) at RATE_HZ, to the tick it makes."""
        features = self.analysis.step(hops, t_heard)
        if self.played is not None:
            features = self.played(features)
        return self.step(TickInput(features, self.tree.take(), self.latency_s, self.clock()))

    def step(self, given: TickInput) -> Tick:
        """One tick from all that decides it: what `hear` puts together. For the thread of `hear`."""
        tick = self.player.step(given)
        patch, model = self.player.playing, self._model.name
        # What was asked for is in the tick's changes; what is told to whoever asks back is what plays.
        for address, name in ((LOAD_PATCH, patch.name), (LOAD_MODEL, model)):
            self.tree.set_state(address, name)
        self._unpublished += 1
        was = self.published
        if was is None or was[0] is not patch.path or was[1] != model or self._unpublished >= HOPS_BETWEEN:
            self._unpublished = 0
            self.published = (patch.path, model, self.state())  # one new object, so all of it is of this very tick
        return tick

    def state(self) -> dict[str, Value]:
        """What hands set: address -> base of everything that holds a value. From any thread."""
        return {
            address: leaf.base for address, leaf in self.tree.leaves().items() if leaf.param.kind not in ("trigger", "action")
        }

    def switched_on(self) -> list[str]:
        """The actions whose state is on, as recording. From any thread."""
        return [address for address, leaf in self.tree.leaves().items() if leaf.param.kind == "action" and leaf.base is True]

    def changed(self) -> dict[str, Value]:
        """What hands set that differs from the patch as saved, but for the seed. From any thread."""
        initial, leaves = self.player.initial, self.tree.leaves()
        held = bool(leaves["/tempo/hold"].base)  # else the tempo is only told there
        passing = {"/seed"} if held else {"/seed", "/tempo/bpm"}
        state = {address: value for address, value in self.state().items() if address in leaves and address not in passing}
        return {
            address: value for address, value in state.items() if value != initial.get(address, leaves[address].param.default)
        }

    def restore(self, state: Mapping[str, object]) -> list[str]:
        """Take back a `state`, before the first `hear`; what cannot be taken is returned as messages, the rest is in force."""
        refused = []
        for address, value in state.items():
            if address in self.tree and self.tree.leaf(address).param.kind == "action":
                continue  # a journal of a version in which it was a parameter
            try:
                self.tree.set_base(address, value)
            except (LookupError, ValueError) as error:
                refused.append(str(error))
        self.tree.settle()
        return refused

    def choose(self, patch: Patch) -> None:
        """Play another patch from the next tick. Raises PatchError if it cannot be wired; the old one plays on."""
        self.player.offer(patch)

    def _checked(self, settings: tuple[tuple[str, str], ...]) -> dict[str, Value]:
        leaves = [(self.tree.leaf(address), text) for address, text in settings]
        return {leaf.address: leaf.param.parse(text) for leaf, text in leaves}
