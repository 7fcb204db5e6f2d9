"""From features to a tick: control, then latent, once per hop. The same patch, seed and inputs give the same ticks."""

import math
import threading
from collections.abc import Mapping

from engine.control.action import giving_way
from engine.control.patch import MACROS, Patch
from engine.control.routes import Audio
from engine.control.transport import Transport
from engine.control.tree import ParamTree
from engine.core.params import Leaf, Param, Parametric
from engine.core.types import GeneratorInfo, Tick, TickInput, Value
from engine.features.analysis.analyser import feature_names
from engine.instrument.show_params import PANIC
from engine.instrument.wiring import WiredPatch
from engine.latent.classes import class_leaves
from engine.latent.latent import Latent
from engine.latent.network_inputs import NetworkInputs

# What panic sets back, with the patch's own.
SET_BACK = ("/shader/", "/stage/", "/master/", "/macro/", "/audio/", "/tempo/", "/freeze", "/blackout", "/sync/calibrate")


class Performance(Parametric):
    """/seed: which of all possible performances this is."""

    seed = Param(0, low=0, high=2**31 - 1, doc="Another number, another performance: new keyframes, walks and draws.")


class PatchPlayer:
    """Plays one patch at a time into a tree that already holds the leaves of shaders and stage.

    `step` and `close` belong to the analysis thread; `offer` may be called from any. `overrides` (address -> value, from the
    command line) stay in force whatever a patch says. `meter` keeps the musical time; one that goes on from another
    performer's is given. Raises PatchError if the patch cannot be wired.
    """

    def __init__(
        self,
        patch: Patch,
        tree: ParamTree,
        info: GeneratorInfo,
        seed: int,
        rate_hz: float,
        hop: int,
        overrides: Mapping[str, object] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.tree, self._info, self._overrides = tree, info, dict(overrides or {})
        self._transport = transport or Transport(hop / rate_hz)
        self._performance, self._audio, self._features = Performance(), Audio(), feature_names()
        self._performance.leaves["seed"].set_base(seed)
        self._seed = int(self._performance.seed)
        self._extra_inputs = NetworkInputs(info, self._seed)
        self._latent = Latent(info.z_size, math.prod(info.noise_shape), self._seed, self._extra_inputs)
        self._macros = macro_leaves()
        self._classes = class_leaves(info.class_names)
        self._fixed = {
            "": self._performance.leaves,
            "audio": self._audio.leaves,
            "latent": self._latent.leaves,
            "macro": self._macros,
            "classes": self._classes,
            "network": self._extra_inputs.leaves,
        }
        for prefix, leaves in self._fixed.items():
            root = f"/{prefix}" if prefix else ""
            placed = {f"{root}/{name}": leaf for name, leaf in leaves.items()}
            tree.replace(giving_way(tree.leaves(), placed), placed)
        self._wired: WiredPatch | None = None
        self._offered: WiredPatch | None = None
        self._wiring = threading.Lock()  # held while a rig is built, and while one takes another's place: never between halves
        self.playing = patch  # that of the newest tick
        try:
            self._take(self._build(patch), keep=False)
        except ValueError:
            self.close()
            raise

    @property
    def patch(self) -> Patch:
        """The patch that plays, or is about to. From any thread, at any time."""
        offered = self._offered
        return self.playing if offered is None else offered.patch

    @property
    def initial(self) -> Mapping[str, Value]:
        """What the playing patch sets, by address, and nothing else. From any thread."""
        return self._playing().initial

    @property
    def seed(self) -> int:
        """The seed in force. From any thread."""
        return self._seed

    def offer(self, patch: Patch) -> None:
        """Change to `patch` at the next tick, gently. Raises PatchError if it cannot be wired: the old one then plays on."""
        with self._wiring:
            self._offered = self._build(patch)

    def change_model(self, info: GeneratorInfo, patch: Patch | None = None) -> None:
        """Play on with another model from the next step on, and with another patch if one is given.

        What hands set stays, and no address that stays ever fails. Raises ValueError (PatchError if the patch cannot be wired
        to the model): all is then as it was.
        """
        with self._wiring:
            patch, was = patch or self.patch, (self._info, self._classes)
            extra_inputs = NetworkInputs(info, self._seed, self._extra_inputs)
            classes = {name: self._classes.get(name, leaf) for name, leaf in class_leaves(info.class_names).items()}
            old = _addresses({at: self._fixed[at] for at in ("classes", "network")})
            all_now = _addresses({"classes": classes, "network": extra_inputs.leaves})
            new = {address: leaf for address, leaf in all_now.items() if old.get(address) is not leaf}
            gone, others = old.keys() - all_now.keys(), {address: old[address] for address in new.keys() & old.keys()}
            self.tree.replace([*others, *giving_way(self.tree.leaves(), new)], new)
            self._info, self._classes = info, classes
            try:
                wired = self._build(patch)
            except ValueError:
                self._info, self._classes = was
                self.tree.replace(new, others)
                raise
            latent = Latent(info.z_size, math.prod(info.noise_shape), self._seed, extra_inputs)
            latent.leaves, self._latent, self._extra_inputs = self._latent.leaves, latent, extra_inputs
            self._fixed |= {"classes": classes, "network": extra_inputs.leaves}
            self._take(wired, keep=self.playing.path == patch.path)
            self._offered = None
            self.tree.replace(gone, {})

    def step(self, given: TickInput) -> Tick:
        """One hop further: what the hand posted, then routes, then the latent."""
        tree = self.tree
        if self._offered is not None:
            with self._wiring:
                self._take(self._offered, keep=self.playing.path == self._offered.patch.path)
                self._offered = None
        wired = self._playing()
        changes, calls = tree.apply(given.posted)
        if any(change.address == PANIC for change in changes):
            self._panic(wired)
            wired = self._playing()
        if self._performance.seed != self._seed:
            self._seed = int(self._performance.seed)
            wired.seed(self._seed)
            self._latent.seed(self._seed)
        context = self._transport.step(given.features, changes, given.latency_s, given.clock)
        audio = context.audio = self._audio.amount
        wired.signals.keep_time(context)
        wired.control(context, self._macros, audio)
        tree.update(context.dt_s)
        latent = self._latent.step(wired.movers, wired.classes, context)
        music = self._transport.music
        heard = given.features
        return Tick(heard.tick, heard.time_s, heard.t_heard, heard, tree.values(), latent, changes, music, calls)

    def close(self) -> None:
        """Take everything of the performer's out of the tree."""
        if self._wired is not None:
            self._wired.unplug(self.tree)
            self._wired = None
        for prefix, leaves in self._fixed.items():
            for name in leaves:
                self.tree.detach(f"{prefix}/{name}")

    def _playing(self) -> WiredPatch:
        if self._wired is None:
            raise RuntimeError("expected a performer that is open; got one that was closed")
        return self._wired

    def _build(self, patch: Patch) -> WiredPatch:
        playing = self._wired
        own = {f"/{prefix}/{name}" for prefix, part in playing.parts.items() for name in part.leaves} if playing else set()
        outside = {address: leaf for address, leaf in self.tree.leaves().items() if address not in own}
        return WiredPatch(patch, outside, self._info.z_size, self._info.class_names, self._seed, self._features)

    def _take(self, wired: WiredPatch, keep: bool) -> None:
        """Let `rig` play from here on."""
        old, self._wired, self.playing = self._wired, wired, wired.patch
        wired.plug(self.tree, old, self._overrides, self._latent.fade_s if old is not None else 0.0, keep)
        if not keep:
            self._latent.glide()

    def _panic(self, wired: WiredPatch) -> None:
        """The patch as saved, at once; only the seed, the analysis and the limiter stay as the hand left them."""
        self._transport.forget()
        for address in self.tree:
            leaf = self.tree.leaf(address)
            if address.startswith(SET_BACK) and leaf.param.holds:
                self.tree.set_base(address, leaf.param.default)
        with self._wiring:
            self._take(self._build(wired.patch), keep=False)


def _addresses(parts: Mapping[str, Mapping[str, Leaf]]) -> dict[str, Leaf]:
    return {f"/{at}/{name}": leaf for at, leaves in parts.items() for name, leaf in leaves.items()}


def macro_leaves() -> dict[str, Leaf]:
    """The eight knobs that any controller finds in any patch, to attach at /macro. In the middle they do nothing."""
    leaves = {}
    for number, name in enumerate(MACROS, 1):
        param = Param(0.5, slew_s=0.05, doc=f"Macro {number}, {name}: less to the left, more to the right.")
        param.name = str(number)
        leaves[param.name] = Leaf(param)
    return leaves
