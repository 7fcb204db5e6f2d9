"""The live parameter tree: every leaf by address, what the hand set and what the routes add.

`post`, `call` and `press` may be used from any thread; everything else belongs to the control thread, which calls, once a tick,
`take` and `apply`, then writes offsets into its targets, then `update`, then `values`.
"""

import difflib
import itertools
import math
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from engine.control.action import ActionParam
from engine.core.params import Leaf, ParamError, former_addresses
from engine.core.types import Call, Change, Value

MOST_WAITING = 64  # calls between two ticks, and presses of triggers: more than fingers press


class Target:
    """One leaf as the control thread moves it, in positions 0..1: a base that slews to its goal, plus an offset.

    Whoever routes to it adds to `offset` after setting it to 0 each tick.
    """

    __slots__ = ("_at", "_exp", "_low", "_span", "_whole", "base", "goal", "leaf", "offset", "rate", "routed")

    def __init__(self, leaf: Leaf) -> None:
        param = leaf.param
        self.leaf = leaf
        self.offset = 0.0
        self.goal = self.base = self._at = param.unmap(leaf.base)
        self.rate = 0.0
        self.routed = False
        self._exp = math.log(param.high / param.low) if param.curve == "exp" else 0.0
        self._low, self._span = param.low, param.high - param.low
        self._whole = param.kind != "float"

    def move(self, dt_s: float) -> bool:
        """Take one step; True if the leaf's value changed."""
        if self.base != self.goal:
            reach = self.rate * dt_s if self.rate > 0.0 else 1.0
            gap = self.goal - self.base
            self.base = self.goal if abs(gap) <= reach else self.base + math.copysign(reach, gap)
        at = self.base + self.offset
        if at < 0.0:
            at = 0.0
        elif at > 1.0:
            at = 1.0
        if at == self._at:
            return False
        self._at = at
        leaf = self.leaf
        if at == self.goal:
            value = leaf.base  # not through the curve and back, which would round
        elif self._whole:
            value = leaf.param.map(at)
        elif self._exp:
            value = self._low * math.exp(self._exp * at)
        else:
            value = self._low + self._span * at
        if value == leaf.value:
            return False
        leaf.value = value
        return True


class ParamTree:
    """All leaves of a show. Addresses begin with a slash: `/walk/jitter`."""

    def __init__(self) -> None:
        self._leaves: dict[str, Leaf] = {}
        self._former: Mapping[str, str] = {}  # address of old -> address
        self._targets: dict[str, Target] = {}
        self._routed: tuple[Target, ...] = ()
        self._gliding: dict[str, Target] = {}
        self._posted: dict[str, Change] = {}
        self._called: deque[Call] = deque()
        self._count = itertools.count()
        self.version = 0  # counts every change of the set of addresses, for whoever remembers look-ups
        self._fired: list[Leaf] = []
        self._values: dict[str, Value] = {}
        self._snapshot: Mapping[str, Value] | None = None

    def attach(self, prefix: str, leaves: Mapping[str, Leaf]) -> None:
        """Give each leaf the address `/<prefix>/<name>`. Raises ValueError if one is taken; nothing is then attached."""
        root = "/" + prefix.strip("/") if prefix.strip("/") else ""
        self.replace((), {f"{root}/{name}": leaf for name, leaf in leaves.items()})

    def detach(self, prefix: str) -> None:
        """Forget the leaf at `prefix` and all below it."""
        root = "/" + prefix.strip("/")
        self.replace([item for item in self._leaves if item == root or item.startswith(root + "/")], {})

    def replace(self, gone: Collection[str], placed: Mapping[str, Leaf]) -> None:
        """Forget the leaves at the addresses `gone` and put in `placed`, by address: for other threads one single step.

        So an address among both never fails anyone, and what was posted to it stays posted.
        Raises ValueError for an address that is taken; nothing then changes.
        """
        gone = set(gone)
        leaves = {address: leaf for address, leaf in self._leaves.items() if address not in gone}
        for address in placed:
            if address in leaves:
                raise ValueError(f"expected new addresses; got {address}, which is taken")
        for address in self._leaves.keys() & gone:
            target = self._targets.pop(address, None)
            self._routed = tuple(item for item in self._routed if item is not target)
            self._gliding.pop(address, None)
            self._fired = [leaf for leaf in self._fired if leaf.address != address]
            del self._values[address]
        for address, leaf in placed.items():
            leaf.address = address
            if leaf.param.numeric:
                self._targets[address] = Target(leaf)
            self._values[address] = leaf.value
        self._leaves = {**leaves, **placed}
        self._former = former_addresses(self._leaves)
        self._snapshot = None
        self.version += 1

    def leaf(self, address: str) -> Leaf:
        """The leaf at an address, or at one that it had before. Raises LookupError that names near misses."""
        leaves = self._leaves
        found = leaves.get(address)
        if found is None:
            found = leaves.get(self._former.get(address, ""))
        if found is None:
            near = difflib.get_close_matches(address, list(leaves), 3)
            raise LookupError(f"expected the address of a parameter{', as ' + ', '.join(near) if near else ''}; got {address!r}")
        return found

    def leaves(self) -> Mapping[str, Leaf]:
        """All leaves by address, as they are now; from any thread."""
        return self._leaves.copy()

    def former(self) -> Mapping[str, str]:
        """Addresses of old that still answer, unlisted -> those that took their place; from any thread."""
        return self._former

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._leaves))

    def __len__(self) -> int:
        return len(self._leaves)

    def __contains__(self, address: object) -> bool:
        return address in self._leaves or address in self._former

    def post(self, address: str, raw: object, t_posted: float | None = None) -> None:
        """From any thread: ask for a new base, in force from the next tick; the latest wins.

        Of triggers and what else `adds`, each post is a change of its own, unless more than `MOST_WAITING` wait in a flood.
        `t_posted` is the time.monotonic() of the hand's own doing, now unless the caller knows better.
        Raises LookupError for an unknown address and ParamError for a value it does not take: nothing then changes.
        """
        leaf = self.leaf(address)
        address, param = leaf.address, leaf.param
        if isinstance(param, ActionParam):
            self.call(address, (raw,), t_posted)
            return
        value = param.check(raw)
        if param.kind != "trigger" or value:  # the 0 of a released button must not undo its press
            each = param.adds and len(self._posted) < MOST_WAITING
            key = f"{address} {next(self._count)}" if each else address
            self._posted[key] = Change(address, value, time.monotonic() if t_posted is None else t_posted)

    def call(self, address: str, arguments: Sequence[object] = (), t_posted: float | None = None) -> None:
        """From any thread: ask for an action, to be done in its turn. Each call counts.

        Raises LookupError for an unknown address, ParamError for arguments that it does not take, for an address that is no
        action's, and while `MOST_WAITING` wait already: nothing is then asked for. What is switched off always finds room.
        """
        leaf = self.leaf(address)
        address, param = leaf.address, leaf.param
        if not isinstance(param, ActionParam):
            raise ParamError(f"expected an action; got {address}, a {param.kind}")
        checked = param.check_arguments(param.toggled(leaf.base) if param.is_bang(arguments) else arguments)
        if checked is None:
            return
        off = checked == (False,)
        if len(self._called) >= MOST_WAITING * (1 + off):
            raise ParamError(f"expected at most {MOST_WAITING} calls in one tick; got more with {address}")
        self._called.append(Call(address, checked, time.monotonic() if t_posted is None else t_posted))

    def press(self, address: str, t_posted: float | None = None) -> None:
        """From any thread: what a button does. It fires a trigger, throws a switch, or calls an action. Raises as `post` does."""
        leaf = self.leaf(address)
        if isinstance(leaf.param, ActionParam):
            self.call(address, leaf.param.toggled(leaf.base), t_posted)
        else:
            self.post(address, leaf.param.kind == "trigger" or not leaf.base, t_posted)

    def set_state(self, address: str, state: Value) -> None:
        """What an action's query is answered with from now on. For whoever serves the action; any one thread at a time."""
        leaf = self.leaf(address)
        if leaf.base != state:
            leaf.base = leaf.value = state
            self._record(leaf)

    def post_normalised(self, address: str, position: float, t_posted: float | None = None) -> None:
        """From any thread: `post` the value at `position` of 0..1 on the parameter's curve."""
        self.post(address, self.position_to_value(address, position), t_posted)

    def position_to_value(self, address: str, position: float) -> Value:
        """The value at `position`. Raises LookupError, and ParamError for a parameter without a range or a bad number."""
        param = self.leaf(address).param
        if not param.numeric or not isinstance(position, int | float) or not math.isfinite(position):
            raise ParamError(f"expected a finite position of a numeric parameter; got {position!r} for {address} ({param.kind})")
        return param.map(position)

    def take(self) -> tuple[Change | Call, ...]:
        """What was posted since the last time, then what was called, in order of arrival: the input of the next tick."""
        # popitem, item assignment, append and popleft are single steps of the interpreter: no post is lost, none blocks.
        changes = [self._posted.popitem()[1] for _ in range(len(self._posted))][::-1]
        return (*changes, *[self._called.popleft() for _ in range(len(self._called))])

    def apply(self, posted: Sequence[Change | Call]) -> tuple[tuple[Change, ...], tuple[Call, ...]]:
        """Bring new bases into force and end the triggers of the last tick. Returns what was taken: changes, and calls."""
        for leaf in self._fired:
            leaf.value = 0
            self._record(leaf)
        self._fired.clear()
        if not posted:
            return (), ()
        changes = tuple(item for item in posted if isinstance(item, Change) and self._taken(item.address, item.value))
        for change in changes:
            self.set_base(change.address, change.value)
        return changes, tuple(item for item in posted if isinstance(item, Call) and item.address in self._leaves)

    def set_base(self, address: str, raw: object, glide_s: float = 0.0) -> None:
        """Take a new base now. A numeric one is reached after `glide_s`, or at its parameter's own slew if that is slower."""
        leaf = self.leaf(address)
        if isinstance(leaf.param, ActionParam):
            raise ParamError(f"expected a parameter; got {address}, an action, which has no base")
        address, value = leaf.address, leaf.param.check(raw)
        target = self._targets.get(address)
        if target is not None:
            leaf.base = value
            target.goal = leaf.param.unmap(value)
            gap = abs(target.goal - target.base)
            rates = [1.0 / leaf.param.slew_s] if leaf.param.slew_s > 0.0 else []
            if glide_s > 0.0 and gap > 0.0:
                rates.append(gap / glide_s)
            target.rate = min(rates, default=0.0)
            if not rates and target.move(0.0):  # at once, for what reads it before this tick's update
                self._record(leaf)
            if not target.routed:
                self._gliding[address] = target
            return
        leaf.value = value
        if leaf.param.kind == "trigger":
            self._fired.append(leaf)
        else:
            leaf.base = value
        self._record(leaf)

    def target(self, address: str) -> Target:
        """What a route moves. Raises LookupError for an unknown address, ParamError for a parameter without a range."""
        leaf = self.leaf(address)
        if leaf.address not in self._targets:
            raise ParamError(f"expected a numeric parameter; got {address}, a {leaf.param.kind}")
        return self._targets[leaf.address]

    def route(self, targets: tuple[Target, ...]) -> None:
        """From now on these, and no others, are moved by offsets."""
        for old in self._routed:
            old.offset, old.routed = 0.0, False
            if self._leaves.get(old.leaf.address) is old.leaf:
                self._gliding[old.leaf.address] = old
        self._routed = tuple(dict.fromkeys(targets))
        for new in self._routed:
            new.routed = True
            self._gliding.pop(new.leaf.address, None)

    def update(self, dt_s: float) -> None:
        """Move every routed or gliding leaf one step. A rate of `slew_s` is the time of the whole range."""
        for target in self._routed:
            if target.move(dt_s):
                self._record(target.leaf)
        if self._gliding:
            for address, target in tuple(self._gliding.items()):
                if target.move(dt_s):
                    self._record(target.leaf)
                if target.base == target.goal:
                    del self._gliding[address]

    def settle(self) -> None:
        """Let everything that slews or glides arrive at the next update."""
        for target in (*self._routed, *self._gliding.values()):
            target.base = target.goal

    def values(self) -> Mapping[str, Value]:
        """Address -> value in force. The mapping handed out never changes afterwards."""
        snapshot = self._snapshot  # which another thread's `set_state` may take away meanwhile
        if snapshot is None:
            snapshot = self._snapshot = self._values.copy()
        return snapshot

    def _taken(self, address: str, value: Value) -> bool:
        """Whether a posted value is one still: its leaf may be gone, or another of other kind in its place."""
        if address not in self._leaves:
            return False
        try:
            self._leaves[address].param.check(value)
        except ParamError:
            return False
        return True

    def _record(self, leaf: Leaf) -> None:
        self._values[leaf.address] = leaf.value
        self._snapshot = None
