"""One patch wired to one parameter tree and one model: built beside the playing one, then put in its place."""

from collections.abc import Mapping
from typing import Any

from engine.control.action import ActionParam, gives_way, giving_way
from engine.control.controller import Controller
from engine.control.midi_table import MidiSpec
from engine.control.patch import MACROS, Keys, PartSpec, Patch, suggest
from engine.control.routes import Route, Router
from engine.control.sections import Section
from engine.control.signals import Signals
from engine.control.tree import ParamTree
from engine.core.params import Leaf, ParamError, Parametric, former_addresses
from engine.core.registry import lookup, names
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FeatureNames, Value
from engine.latent.classes import ClassMixer, slugs
from engine.latent.mover import Mover

MIX = "mix"  # the address of the class mixer's own parameters
RESET = ("/shader/", "/latent/", "/network/", "/classes/")  # what a new patch sets back to its defaults first
MOST = 12  # classes that a patch for any model brings into play: as many as there are pitch classes
FRESH = ("leaves", "rng", "spec", "moves", "weights", "palette")  # what a reloaded part does not take from its old self


class WiredPatch:
    """Controllers, movers, classes, sections and routes of one patch. Raises PatchError where a name leads nowhere.

    `outside` holds the leaves that are not the patch's own. Building touches nothing that plays, so any thread may do it;
    all else belongs to the control thread.
    """

    def __init__(
        self,
        patch: Patch,
        outside: Mapping[str, Leaf],
        z_size: int,
        class_names: tuple[str, ...],
        seed: int,
        features: FeatureNames,
    ) -> None:
        self.patch, self._outside, self._z_size = patch, outside, z_size
        self.signals = Signals(features)
        self.parts: dict[str, Parametric] = {}
        self._macro_slots = [self.signals.add(f"macro/{name}") for name in MACROS]
        self.sections = [Section(spec) for spec in patch.sections]
        self._section_slots = [self.signals.add(f"section/{section.spec.name}", heard=True) for section in self.sections]
        self._nothing = self.signals.add("nothing")
        self._slugs = {slug: index for index, slug in enumerate(slugs(class_names))}
        self.controllers: list[tuple[Controller, int, int]] = []  # the part, its input's slot, its own slot
        for spec in patch.controllers:
            self._add_controller(spec, self._rng(spec.name, seed))
        self.movers: list[Mover] = []
        for spec in patch.movers:
            mover: Mover = self._lookup("mover", spec)(z_size, self._rng(spec.name, seed))
            self._add("mover", spec, mover)
            self.movers.append(mover)
        weights = {slug: outside[f"/classes/{slug}"] for slug in self._slugs}
        spread = (list(self._slugs)[k * len(self._slugs) // MOST] for k in range(MOST))
        self._palette = patch.palette or dict.fromkeys(spread, 1.0)
        palette = [self._class(("classes", "palette", name), name) for name in self._palette]
        self.classes: ClassMixer = self._lookup("mixer", patch.classes)(weights, palette, self._rng("classes", seed))
        self._add("mixer", patch.classes, self.classes)
        self.parts |= {f"section/{section.spec.name}": section for section in self.sections}
        self._routes: list[tuple[Route, int, str]] = []
        for route_spec in patch.routes:
            route = Route()
            route.leaves["amount"].set_base(route_spec.amount)
            self.parts[f"route/{route_spec.name}"] = route
            self._routes.append((route, self._source(route_spec.keys, route_spec.source), route_spec.address))
        self._own = {f"/{prefix}/{name}": leaf for prefix, part in self.parts.items() for name, leaf in part.leaves.items()}
        self._former = former_addresses({**outside, **self._own})
        self.initial = {address: leaf.base for address, leaf in self._own.items()} | self._bases()
        for route_spec in patch.routes:
            self._numeric(route_spec.keys, route_spec.address)
        for midi_spec in patch.midi:
            self._check_midi(midi_spec)
        for pair in patch.pairs:
            for key, address in (("x", pair.x), ("y", pair.y)):
                self._numeric((*pair.keys, key), address)
        self._goals = [self._section_goals(section) for section in self.sections]
        self._router = Router(self.signals, ())

    def plug(
        self, tree: ParamTree, old: "WiredPatch | None", overrides: Mapping[str, object], glide_s: float = 0.0, keep: bool = False
    ) -> None:
        """Take the old rig's place in the tree.

        `keep`: what the hand set and where things are stay, for the same patch, saved again or on another model.
        """
        same: set[str] = set()
        tree.route(())
        if old is not None and keep:
            same = {address for address, value in self.initial.items() if old.initial.get(address) == value}
            same |= overrides.keys() - (self._own.keys() - old._own.keys())  # in force, or a hand's since
            for address in same & self._own.keys():
                self._own[address].set_base(old._own[address].base)
            self._carry_on(old)
        before = old._own.keys() if old is not None else ()
        tree.replace([*before, *giving_way(tree.leaves(), self._own)], self._own)
        bases: dict[str, object] = {}
        if old is not None:
            gone = old.initial.keys() - self.initial.keys()
            bases = {address: tree.leaf(address).param.default for address in gone if address in tree}
        if not keep:
            bases |= {address: tree.leaf(address).param.default for address in tree if address.startswith(RESET)}
        for address, value in {**bases, **self.initial, **overrides}.items():
            if address not in same and address in tree:
                tree.set_base(address, value, glide_s)
        self._connect(tree)
        if old is None:
            tree.settle()

    def unplug(self, tree: ParamTree) -> None:
        """Take this rig's own leaves out of the tree. Other bases stay as they are."""
        tree.route(())
        tree.replace(self._own.keys(), {})

    def control(self, context: TickContext, macros: Mapping[str, Leaf], audio: float) -> None:
        """One step of all that decides parameter values; the tree is updated by the caller."""
        signals = self.signals
        signals.listen(context.features)
        now = signals.now
        for slot, leaf in zip(self._macro_slots, macros.values(), strict=True):
            now[slot] = leaf.value - 0.5  # type: ignore[operator]
        for section, slot in zip(self.sections, self._section_slots, strict=True):
            if section.step(context) and section.spec.classes:
                weights = section.spec.classes
                self.classes.turn_to(
                    [self._slugs[name] for name in sorted(weights, key=lambda n: -weights[n])], section.spec.fade_s
                )
            now[slot] = section.level
        for controller, source, slot in self.controllers:
            now[slot] = controller.step(now[source], context)
        self._router.step(audio)
        for section in self.sections:
            section.add_offsets()

    def seed(self, seed: int) -> None:
        """New draws for everything that moves the latent."""
        for spec, mover in zip(self.patch.movers, self.movers, strict=True):
            mover.seed(self._rng(spec.name, seed))
        self.classes.seed(self._rng("classes", seed))

    def _connect(self, tree: ParamTree) -> None:
        routes = [(route, slot, tree.target(address)) for route, slot, address in self._routes]
        for section, goals in zip(self.sections, self._goals, strict=True):
            section.moves = []
            for address, goal in goals.items():
                param = tree.leaf(address).param
                home = self.initial.get(address, param.default)
                section.moves.append((tree.target(address), param.unmap(goal) - param.unmap(home)))
        self._router = Router(self.signals, routes, (target for section in self.sections for target, _ in section.moves))
        tree.route(self._router.targets)

    def _carry_on(self, old: "WiredPatch") -> None:
        """Everything goes on from where it is; but what moves the latent of another model, with other sizes, starts anew."""
        alike = (self._z_size, self._slugs) == (old._z_size, old._slugs)
        for new, was in [(new, old.parts.get(prefix)) for prefix, new in self.parts.items()]:
            if type(new) is type(was) and (alike or not isinstance(new, Mover | ClassMixer)):
                vars(new).update({key: value for key, value in vars(was).items() if key not in FRESH})

    def _rng(self, name: str, seed: int) -> Rng:
        return Rng(seed, f"{self.patch.name}/{name}")

    def _lookup(self, kind: str, spec: PartSpec) -> type[Any]:
        try:
            return lookup(kind, spec.kind)
        except LookupError as error:
            at = ("classes", "kind") if kind == "mixer" else (kind, spec.name, "kind")
            self.patch.fail(at, f"{error}{suggest(spec.kind, names(kind))}")

    def _add(self, kind: str, spec: PartSpec, part: Parametric) -> None:
        """Give a part the bases that the patch has for it, and its place among the parts."""
        at = ("classes",) if kind == "mixer" else (kind, spec.name)
        name = MIX if kind == "mixer" else spec.name
        kept = (address for address, leaf in self._outside.items() if not gives_way(leaf))
        taken = any(address == f"/{name}" or address.startswith(f"/{name}/") for address in kept)
        if taken or name in self.parts or name in ("route", "section"):
            self.patch.fail(at, f"expected a name of its own; got {name!r}, which is taken")
        former = {old: key for key, leaf in part.leaves.items() for old in leaf.formerly}
        for written, value in spec.settings.items():
            key = written if written in part.leaves else former.get(written, written)
            if key not in part.leaves:
                known = ", ".join(part.leaves) or "nothing"
                self.patch.fail((*at, key), f"expected one of {known}{suggest(key, part.leaves)}; got {key!r}")
            part.leaves[key].set_base(self._checked((*at, key), part.leaves[key], value))
        self.parts[name] = part

    def _add_controller(self, spec: PartSpec, rng: Rng) -> None:
        at = ("controller", spec.name)
        controller: Controller = self._lookup("controller", spec)(rng)
        self._add("controller", spec, controller)
        source = self._source((*at, "from"), spec.source) if spec.source else self._nothing
        try:
            self.controllers.append((controller, source, self.signals.add(spec.name, heard=self.signals.heard[source])))
        except LookupError as error:
            self.patch.fail(at, str(error))

    def _source(self, keys: Keys, source: str) -> int:
        try:
            return self.signals.slot(source)
        except LookupError as error:
            self.patch.fail(keys, str(error))

    def _class(self, keys: Keys, name: str) -> int:
        if name not in self._slugs:
            known = ", ".join(self._slugs)
            self.patch.fail(keys, f"expected a class of the model, one of {known}{suggest(name, self._slugs)}; got {name!r}")
        return self._slugs[name]

    def _bases(self) -> dict[str, Value]:
        """What the patch sets outside its own parts."""
        bases: dict[str, Value] = {}
        for address, raw in self.patch.settings.items():
            keys = self.patch.settings_keys[address]
            bases[self._address(address)] = self._checked(keys, self._leaf(keys, address), raw)
        return bases | {f"/classes/{name}": min(max(weight, 0.0), 1.0) for name, weight in self._palette.items()}

    def _section_goals(self, section: Section) -> dict[str, Value]:
        """What a section's parameters move to, its classes among them: those that it does not name rest."""
        spec, goals = section.spec, dict[str, Value]()
        if spec.classes:
            goals = {f"/classes/{name}": 0.0 for name in self._palette}
        for name, weight in spec.classes.items():
            self._class(("section", spec.name, "classes", name), name)
            goals[f"/classes/{name}"] = min(max(weight, 0.0), 1.0)
        for address, raw in spec.settings.items():
            keys = ("section", spec.name, "set", address)
            goals[self._address(address)] = self._checked(keys, self._numeric(keys, address), raw)
        return goals

    def _check_midi(self, spec: MidiSpec) -> None:
        """Whether a MIDI control can move its parameter."""
        leaf = self._leaf(spec.keys, spec.address)
        moves, acts = leaf.param.kind in ("float", "int"), leaf.param.kind in ("bool", "trigger")
        if isinstance(leaf.param, ActionParam):
            self._check_call(spec, leaf.param, leaf.param.toggled(leaf.base) if spec.value is None else (spec.value,))
            acts = True
        elif spec.value is not None:
            self._checked((*spec.keys, "value"), leaf, spec.value)
        if spec.value is None and (not (moves or acts) or (spec.kind == "program" and moves)):
            self.patch.fail(spec.keys, f"expected the value that it sets; got none for {spec.address}, a {leaf.param.kind}")
        for key, end in (("low", spec.low), ("high", spec.high)):
            if end is not None and not moves:
                self.patch.fail((*spec.keys, key), f"expected a parameter with a range; got {spec.address}, a {leaf.param.kind}")
            if end is not None:
                self._checked((*spec.keys, key), leaf, end)
        if moves:
            param = leaf.param
            low, high = (param.low if spec.low is None else spec.low), (param.high if spec.high is None else spec.high)
            if param.unmap(low) == param.unmap(high):
                key = "low" if spec.high is None else "high"
                whole = f"{param.low:g}..{param.high:g}"
                self.patch.fail((*spec.keys, key), f"expected two different ends within {whole}; got {low:g} for both")
        if spec.press == "hold" and not (leaf.param.kind == "bool" or isinstance(leaf.base, bool)):
            self.patch.fail((*spec.keys, "press"), f"expected a switch to hold on; got {spec.address}, a {leaf.param.kind}")
        if spec.kind == "relative" and (spec.value is not None or not moves):
            self.patch.fail(spec.keys, f"expected a number for an encoder to turn; got {spec.address}, a {leaf.param.kind}")

    def _check_call(self, spec: MidiSpec, param: ActionParam, arguments: tuple[object, ...]) -> None:
        """Whether a MIDI control can call an action with what it has to say."""
        try:
            if param.check_arguments(arguments) is None:
                raise ParamError(f"expected the value that calls {param.usage}; got {spec.value!r}, a button let go")
        except ParamError as error:
            if spec.value is None:
                self.patch.fail(spec.keys, f"expected the value that it sets, for {param.usage}; got none")
            self.patch.fail((*spec.keys, "value"), str(error))

    def _address(self, written: str) -> str:
        """The address that a parameter has now, by that of any time."""
        return self._former.get(written, written)

    def _leaf(self, keys: Keys, address: str) -> Leaf:
        now = self._address(address)
        found = self._own.get(now) or self._outside.get(now)
        if found is None:
            known = (*self._own, *self._outside)
            self.patch.fail(keys, f"expected the address of a parameter{suggest(address, known)}; got {address!r}")
        return found

    def _numeric(self, keys: Keys, address: str) -> Leaf:
        leaf = self._leaf(keys, address)
        if not leaf.param.numeric:
            self.patch.fail(keys, f"expected a parameter with a range; got {address}, a {leaf.param.kind}")
        return leaf

    def _checked(self, keys: Keys, leaf: Leaf, raw: object) -> Value:
        """The value, refused rather than clipped where it is out of range: a patch should say what it does."""
        try:
            value = leaf.param.check(raw)
        except ParamError as error:
            self.patch.fail(keys, str(error))
        param = leaf.param
        if param.kind in ("int", "float") and isinstance(raw, bool):
            self.patch.fail(keys, f"expected {param.kind} for {param.name}; got {raw!r}")
        if param.kind in ("int", "float") and not param.low <= float(raw) <= param.high:  # type: ignore[arg-type]
            self.patch.fail(keys, f"expected {param.low:g}..{param.high:g}; got {raw!r}")
        return value
