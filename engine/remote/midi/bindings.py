"""Which parameter a MIDI control moves, and when it may: a patch's bindings, and the macros for whatever it does not name."""

from collections.abc import Callable, Sequence

from engine.core.params import Leaf
from engine.remote.midi.binding_table import BindingTable, MacroSpec, Spec
from engine.remote.midi.controls import Knob, Touch
from engine.remote.midi.encoders import turn
from engine.remote.midi.macros import Macros
from engine.remote.midi.pairs import Pairs
from engine.remote.midi.soft_takeover import SoftTakeover
from engine.remote.midi.sweep_detector import SweepDetector
from engine.remote.parameter_tree import ParameterTree

NEAR = 0.02  # of a fader's way: where it takes hold of a value
LOAD_PATCH = "/patch/load"
PRESSED = 0.5
REST = {"note": 0.0, "aftertouch": 0.0, "bend": 0.5}  # where controls stand when nobody touches them


class Bindings:
    """Moves the board's parameters by what controls say. Calls must not overlap; `use` alone may come from another thread.

    A fader takes hold of a value only where it meets it (soft take-over), and lets go when another hand moves the value.
    Controllers that the patch does not name get the macros, in the order in which hands sweep them. A program change loads a
    patch.
    """

    def __init__(self, tree: ParameterTree, shelf: Sequence[str], say: Callable[[str], None]) -> None:
        self._tree, self._shelf = tree, shelf
        self._table = self._asked = BindingTable(())
        self._given = self._asked.specs  # last, which may be other objects that say the same
        self._hands: dict[tuple[str, int, str, int], SoftTakeover] = {}
        self._macros, self._sweeps = Macros(tree, say), SweepDetector()
        self._pairs = Pairs()
        self.refused = 0  # posts that the board did not take
        self.unbound = 0  # controllers and programs that lead nowhere

    def use(self, specs: Sequence[Spec]) -> None:
        """From any thread: these bindings, and no others of a patch, from the next message on."""
        if specs is self._given:
            return
        self._given = specs
        if specs != self._asked.specs:  # a patch saved again may bind what it bound before: nobody need let go then
            self._asked = BindingTable(specs)

    def take(self, touch: Touch, t: float) -> bool:
        """Act on one movement; whether it was bound, or else a note that may be music."""
        if self._table is not self._asked:
            self._change()
        if touch.kind in ("cc", "note"):
            self._sweeps.listen(touch, t)
        found = self._table.find(touch.kind, touch.channel, touch.number)
        if found is not None:
            spec, fine = found
            if spec.kind == "cc14":
                self._half((touch.port, touch.channel, spec.number), fine, touch.raw, t)
            else:
                self._act(spec, self._hand(spec, touch.port, touch.channel, touch.kind, touch.number), touch, t)
            return True
        if touch.kind == "cc":
            macro = self._macro(touch, t)
            if macro is not None:
                self._act(macro, self._hand(macro, touch.port, touch.channel, "cc", touch.number), touch, t)
                return True
        elif touch.kind == "program":
            self._program(touch.number, t)
            return True
        self.unbound += touch.kind == "cc"
        return False

    @property
    def waiting(self) -> bool:
        """Whether `due` has something to look at."""
        return self._pairs.waiting or self._table is not self._asked

    def due(self, t: float) -> None:
        """Once a tick: move what came as the coarse half of 14 bits alone."""
        if self._table is not self._asked:
            self._change()
        for knob, position in self._pairs.due(t):
            self._turn14(knob, position, t)

    def release(self, port: str | None = None, channel: int = 0) -> None:
        """Let go of everything that is held down: on one channel of a port, on a port (channel 0), or on all."""
        for key, hand in list(self._hands.items()):
            if port in (None, key[0]) and channel in (0, key[1]):
                self._let_go(key, hand)
        self._sweeps.release(port, channel)

    def lose(self, port: str) -> None:
        """A port is gone: what it held is released, and where its faders stood is forgotten; its macros stay."""
        self.release(port)
        self._pairs.forget(port)
        self._sweeps.lose(port)
        for key in [key for key in self._hands if key[0] == port]:
            del self._hands[key]

    def give_back(self, macro: int = 0) -> list[Knob]:
        """Take macro 1..8 (0: all) from the controllers that were given them; which those were."""
        back = self._macros.give_back(macro)
        for knob in back:
            port, channel, number = knob
            hand = self._hands.get((port, channel, "cc", number))
            if hand is not None and isinstance(hand.spec, MacroSpec):  # else the patch has it by now
                hand.take(None)
            self._sweeps.rest(knob)
        return back

    def state(self) -> list[list[str | int]]:
        """Which controllers were given a macro, for `restore`. From any thread."""
        return self._macros.state()

    def restore(self, state: object) -> list[str]:
        """Take back a `state`, before the first message; what cannot be taken is returned as messages."""
        return self._macros.restore(state)

    def _change(self) -> None:
        """Swap in the table that was asked for; what its predecessor held down is released."""
        self._table = self._asked
        for key, hand in self._hands.items():
            if not isinstance(hand.spec, MacroSpec):
                self._let_go(key, hand)
                hand.take(None)

    def _let_go(self, key: tuple[str, int, str, int], hand: SoftTakeover) -> None:
        """What springs back by itself is at rest again, and what is held on is off; a fader stays where it is."""
        rest = REST.get(key[2])
        held = hand.pressed if rest is None else hand.at not in (None, rest)
        if hand.spec is not None and held and (rest is not None or hand.spec.press == "hold"):
            self._act(hand.spec, hand, Touch(*key, rest or 0.0, 0), None)

    def _hand(self, spec: Spec, port: str, channel: int, kind: str, number: int) -> SoftTakeover:
        key = (port, channel, kind, number)
        hand = self._hands.get(key)
        if hand is None:
            hand = self._hands[key] = SoftTakeover()
        if hand.spec is not spec:
            hand.take(spec)
        return hand

    def _half(self, knob: Knob, fine: bool, value: int, t: float) -> None:
        position = self._pairs.take(knob, fine, value, t)
        if position is not None:
            self._turn14(knob, position, t)

    def _turn14(self, knob: Knob, position: float, t: float) -> None:
        port, channel, number = knob
        found = self._table.find("cc", channel, number)
        if found is not None and found[0].kind == "cc14":
            hand = self._hand(found[0], port, channel, "cc14", number)
            self._act(found[0], hand, Touch(port, channel, "cc14", number, position, 0), t)

    def _act(self, spec: Spec, hand: SoftTakeover, touch: Touch, t: float | None) -> None:
        """What `touch` says, at its own time: it may have waited for its echo, and a tap's beat was when it was struck."""
        before, hand.at = hand.at, touch.position
        was, hand.pressed = hand.pressed, touch.position >= PRESSED or (touch.kind == "note" and touch.position > 0.0)
        again = touch.kind == "cc" and t is not None and hand.repeats(touch.raw, t) and not self._sweeps.is_coarse(touch)
        pressed = hand.pressed and (not was or again or touch.kind in ("note", "program"))
        if touch.kind == "program":
            hand.pressed = False  # nothing ever releases it
        try:
            leaf = self._tree.leaf(spec.address)
            kind = leaf.param.kind
            if spec.value is not None:
                if pressed:
                    self._tree.post(spec.address, spec.value, t)
            elif kind in ("trigger", "bool", "action"):
                if spec.press == "hold" and was != hand.pressed:
                    self._tree.post(spec.address, hand.pressed, t)
                elif spec.press != "hold" and pressed:
                    self._tree.press(spec.address, t)
            elif spec.kind == "relative":
                self._turn(spec, hand, leaf, turn(touch.raw, spec.encoding), t)
            else:
                self._move(spec, hand, leaf, before, touch.position, t)
        except (LookupError, ValueError):  # a parameter that went with its patch, a shelf that has changed
            self.refused += 1

    def _move(self, spec: Spec, hand: SoftTakeover, leaf: Leaf, before: float | None, at: float, t: float | None) -> None:
        """A fader at `at` of its way, `before` it came there."""
        low, high = hand.ends or self._ends(spec, hand, leaf)
        position = low + (high - low) * at
        if spec.takeover == "soft" and not hand.holds(leaf.base):
            # Where the value stands on the fader's way; one outside it is met at the fader's end.
            goal = (leaf.param.unmap(leaf.base) - low) / (high - low)
            goal = min(max(goal, 0.0), 1.0)
            met = abs(at - goal) <= NEAR or (before is not None and (before - goal) * (at - goal) <= 0.0)
            if not met and leaf.param.map(position) != leaf.base:
                return
        hand.send(self._tree, leaf, position, t)

    def _turn(self, spec: Spec, hand: SoftTakeover, leaf: Leaf, step: float, t: float | None) -> None:
        """An encoder, from wherever the value stands; of what adds up, each click is a step of its own."""
        low, high = hand.ends or self._ends(spec, hand, leaf)
        param = leaf.param
        if param.adds:
            start = param.unmap(param.default)
        else:
            start = hand.place if hand.holds(leaf.base) else param.unmap(leaf.base)
        goal = start + (step if low < high else -step)
        hand.send(self._tree, leaf, min(max(goal, min(low, high)), max(low, high)), t)

    def _ends(self, spec: Spec, hand: SoftTakeover, leaf: Leaf) -> tuple[float, float]:
        low = 0.0 if spec.low is None else leaf.param.unmap(spec.low)
        high = 1.0 if spec.high is None else leaf.param.unmap(spec.high)
        hand.ends = (low, high)
        return hand.ends

    def _macro(self, touch: Touch, t: float) -> MacroSpec | None:
        """The macro of a controller that the patch does not name; the first sweep of a hand gives it the next that is free."""
        knob = touch.port, touch.channel, touch.number
        given = self._macros.find(knob)
        if given is None:
            kind = self._sweeps.look(touch, t)
            return None if kind is None else self._macros.give(knob, kind, self._table.macros)
        if given.kind == "cc" and (encoding := self._sweeps.look_again(touch, t)) is not None:
            return self._macros.turn_into(knob, encoding)
        return given

    def _program(self, number: int, t: float) -> None:
        if number >= len(self._shelf) or LOAD_PATCH not in self._tree:
            self.unbound += 1
        else:
            self._tree.post(LOAD_PATCH, self._shelf[number], t)
