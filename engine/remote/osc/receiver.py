"""What OSC messages mean to the parameters of the show. No socket is opened here: bytes come in, answers go out.

An address is looked up as it is; only what is not found there is read as `/n/...`, `/value/...`, an old name or a pattern.
A message that cannot be taken leaves everything as it was and is counted with its reason.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from engine.core.params import Leaf, ParamError
from engine.remote.osc.allowlist import AllowList
from engine.remote.osc.arguments import BANG, value_of
from engine.remote.osc.errors import (
    BAD_VALUE,
    MALFORMED,
    NOT_ALLOWED,
    TOO_FAR,
    TOO_MANY_ANSWERS,
    TOO_MANY_WAITING,
    TOO_MUCH_WORK,
    UNKNOWN,
    ErrorCounter,
)
from engine.remote.osc.fast_path import FastPath
from engine.remote.osc.packet import Message, PacketError, parse
from engine.remote.osc.pattern import Addresses, Budget, is_pattern
from engine.remote.osc.replies import Handler, answer, listing
from engine.remote.osc.timetags import FullError, Schedule, TooFarError
from engine.remote.parameter_tree import ParameterTree

log = logging.getLogger("clavilux.osc")

Sender = tuple[str, int]  # host, port
ANSWERS = 64  # to one packet
# What patterns, lists and the like may cost, in what time: of this thread, since waiting for others is nobody's fault.
WORK_S, EVERY_S = 0.01, 0.05
SET, NORMALISED, IN_FORCE = "", "/n", "/value"  # what an address begins with, and asks for


class Receiver:
    """Posts to `board` what senders of `allowed` hosts ask. Any thread may use it; packets are taken one at a time.

    `handlers` answer addresses that are no parameters; whoever has such a one puts it there before the first packet.
    Time tags are ignored, since senders' clocks are wrong more often than right, unless `honour` is set; `due` must then be
    called again and again. `say` is told of refusals, at most once a second; `wall_s` is the time of day.
    """

    def __init__(
        self,
        tree: ParameterTree,
        allowed: AllowList | None = None,
        *,
        honour: bool = False,
        say: Callable[[str], None] = log.warning,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.allowed = allowed or AllowList()
        self.handlers: dict[str, Handler] = {"/list": self._list}
        self.packets = self.messages = 0
        self._tree = tree
        self._errors = ErrorCounter(say)
        self._schedule = Schedule(wall_s) if honour else None
        self._addresses, self._budget = Addresses(tree), Budget(WORK_S, EVERY_S)
        self.pairs: Mapping[str, tuple[str, ...]] = {}  # address of an XY pad, or of half of one -> what it moves
        self._version = -1
        self._leaves: Mapping[str, Leaf] = {}
        self._former: Mapping[str, str] = {}  # asked only for what is no address now
        self._fast_path = FastPath(tree, NORMALISED)
        self._taking = threading.Lock()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often what was refused, by reason."""
        return self._errors.counts

    @property
    def next_due_s(self) -> float:
        """time.monotonic() at which `due` has something to do; infinity if never."""
        return min(self._errors.next_s, math.inf if self._schedule is None else self._schedule.next_s)

    def figures(self) -> dict[str, float]:
        """For the status: packets and messages so far, how many wait for their time, and what was refused."""
        waiting = 0 if self._schedule is None else len(self._schedule)
        refused = {f"osc_{reason}": float(count) for reason, count in self.counts.items()}
        return {"osc_packets": self.packets, "osc_messages": self.messages, "osc_waiting": waiting, **refused}

    def receive(self, data: bytes, sender: Sender, now_s: float) -> list[bytes]:
        """Do what a packet asks, at `now_s` of time.monotonic(). Returns the packets that answer its sender."""
        with self._taking:
            self.packets += 1
            if not self._admits(sender, now_s):
                return []
            if self._version != self._tree.version:
                self._look_again()
            fader = self._fast_path.recognise(data)
            if fader is not None:
                self.messages += 1
                try:
                    fader.post(fader.address, fader.number.unpack_from(data, len(data) - 4)[0])
                except (LookupError, ParamError) as error:
                    self._refuse_value(error, fader.address, sender, now_s)
                return []
            bad: list[PacketError] = []
            try:
                messages = parse(data, bad)
            except PacketError as error:
                bad, messages = [error], ()
            for one in bad:
                self._refuse(MALFORMED, sender, now_s, lambda: f"{one}; kept its values")  # noqa: B023
            answers: list[bytes] = []
            for message in messages:
                self.messages += 1
                if not self._is_question(message):
                    self._obey(message, sender, now_s)
                elif len(answers) <= ANSWERS:
                    answers += self._answer(message, sender, now_s)
            if len(answers) > ANSWERS:
                wrong = f"expected at most {ANSWERS} answers to one packet; got more to answer; kept to the first"
                self._refuse(TOO_MANY_ANSWERS, sender, now_s, lambda: wrong)
            if len(messages) == 1:
                self._fast_path.learn(data, messages[0], self._leaves, self._former)
            return answers[:ANSWERS]

    def admits(self, sender: Sender, now_s: float) -> bool:
        """Whether `sender` is let in; if not, that is counted as a packet of its would be."""
        with self._taking:
            return self._admits(sender, now_s)

    def refuse_frame(self, wrong: str, sender: Sender, now_s: float) -> None:
        """Count bytes of a stream that are not even a packet; `wrong` says what was expected and what came."""
        with self._taking:
            self._refuse(MALFORMED, sender, now_s, lambda: wrong)

    def due(self, now_s: float) -> None:
        """Do what was asked for at times that have come by now, and tell what was refused."""
        if now_s < self.next_due_s:
            return
        with self._taking:
            self._errors.due(now_s)
            if self._schedule is None:
                return
            if self._version != self._tree.version:
                self._look_again()
            for message, sender in self._schedule.due(now_s):
                self._set(message, sender, now_s)

    def _admits(self, sender: Sender, now_s: float) -> bool:
        admitted = self.allowed.admits(sender[0], now_s)
        if not admitted:
            self._refuse(NOT_ALLOWED, sender, now_s, lambda: "expected a host that is let in; kept all values")
        return admitted

    def _look_again(self) -> None:
        self._version = self._tree.version  # read first: a change meanwhile is seen by the next packet
        self._leaves, self._former = self._tree.leaves(), self._tree.former()
        self._fast_path.forget()

    def _is_question(self, message: Message) -> bool:
        """Whether a message is for a handler or asks for values; without arguments, what holds none is fired instead."""
        if message.address in self.handlers:
            return True
        if message.arguments:
            return False
        leaf = self._leaves.get(message.address) or self._leaves.get(self._former.get(message.address, ""))
        return leaf is None or leaf.param.holds

    def _answer(self, message: Message, sender: Sender, now_s: float) -> Sequence[bytes]:
        """At once, whatever the time tag: nobody wants an answer late."""
        address = message.address
        handler = self.handlers.get(address)
        if handler is None:
            return self._ask(address, sender, now_s)
        if not self._may_work(address, sender, now_s):
            return ()
        began_s = time.thread_time()
        try:
            return tuple(handler(message.arguments, sender, now_s) or ())
        except ValueError as error:
            wrong = str(error)
            self._refuse(BAD_VALUE, sender, now_s, lambda: f"{wrong}, for {address}")
            return ()
        finally:
            self._budget.spend(time.thread_time() - began_s)

    def _may_work(self, address: str, sender: Sender, now_s: float) -> bool:
        """Whether what costs much more than a fader may be done now; if not, that is refused and counted."""
        if self._budget.open(now_s):
            return True
        wrong = f"expected fewer patterns, lists and subscriptions at a time; got {address[:80]!r}; kept all values"
        self._refuse(TOO_MUCH_WORK, sender, now_s, lambda: wrong)
        return False

    def _obey(self, message: Message, sender: Sender, now_s: float) -> None:
        """Set or fire, now or when the time tag says."""
        schedule = self._schedule
        ahead_s = 0.0 if schedule is None else schedule.ahead_s(message.time_tag)
        if schedule is None or ahead_s <= 0.0:
            self._set(message, sender, now_s)
            return
        try:
            schedule.put(message, sender, now_s, ahead_s)
        except (TooFarError, FullError) as error:
            wrong = str(error)
            reason = TOO_FAR if isinstance(error, TooFarError) else TOO_MANY_WAITING
            self._refuse(reason, sender, now_s, lambda: f"{wrong}; kept the value")

    def _find(self, address: str, sender: Sender, now_s: float) -> tuple[str, Sequence[Leaf]]:
        """What is asked for of which parameters; where there are none, that is refused and counted here."""
        leaves = self._leaves
        if address in leaves:
            return SET, (leaves[address],)
        asked = next((item for item in (NORMALISED, IN_FORCE) if address.startswith(item + "/")), SET)
        rest = address[len(asked) :]
        if rest in leaves:
            return asked, (leaves[rest],)
        now = self._former.get(rest, "")
        if now in leaves:
            return asked, (leaves[now],)
        if rest in self.pairs:
            return asked, tuple(leaves[item] for item in self.pairs[rest] if item in leaves)
        found: tuple[str, ...] = ()
        if is_pattern(rest):
            if not self._may_work(address, sender, now_s):
                return asked, ()
            began_s = time.thread_time()
            try:
                found = self._addresses.matching(rest)
            except PacketError as error:
                wrong = str(error)
                self._refuse(MALFORMED, sender, now_s, lambda: f"{wrong}; kept all values")
                return asked, ()
            finally:
                self._budget.spend(time.thread_time() - began_s)
        if not found:
            self._refuse(UNKNOWN, sender, now_s, lambda: f"{self._unknown(rest)}; kept all values", rest)
        return asked, tuple(leaves[item] for item in found if item in leaves)

    def _ask(self, address: str, sender: Sender, now_s: float) -> list[bytes]:
        asked, leaves = self._find(address, sender, now_s)
        began_s = time.thread_time()
        answers = []
        by_old_name = address[len(asked) :] in self._former
        for leaf in leaves[: ANSWERS + 1]:
            told = address if by_old_name else asked + leaf.address
            if asked == NORMALISED:
                if leaf.param.numeric:
                    answers.append(answer(told, leaf.param.unmap(leaf.base)))
                elif len(leaves) == 1:
                    error = ParamError(f"expected a parameter with a range; got one of kind {leaf.param.kind}")
                    self._refuse_value(error, leaf.address, sender, now_s)
            else:
                answers.append(answer(told, leaf.value if asked == IN_FORCE else leaf.base))
        if len(leaves) > 1:
            self._budget.spend(time.thread_time() - began_s)
        return answers

    def _set(self, message: Message, sender: Sender, now_s: float) -> None:
        asked, leaves = self._find(message.address, sender, now_s)
        if len(leaves) == 1:
            self._put(leaves[0], asked, message.arguments, sender, now_s)
        elif len(self.pairs.get(message.address[len(asked) :], ())) > 1:
            self._put_pair(leaves, asked, message, sender, now_s)
        elif leaves:
            began_s = time.thread_time()
            for leaf in leaves:
                self._put(leaf, asked, message.arguments, sender, now_s)
            self._budget.spend(time.thread_time() - began_s)

    def _put_pair(self, leaves: Sequence[Leaf], asked: str, message: Message, sender: Sender, now_s: float) -> None:
        """One number to each of two parameters."""
        if len(message.arguments) != len(leaves):
            error = ParamError(f"expected {len(leaves)} numbers for {message.address}; got {len(message.arguments)} arguments")
            self._refuse_value(error, message.address, sender, now_s)
            return
        for leaf, argument in zip(leaves, message.arguments, strict=True):
            self._put(leaf, asked, (argument,), sender, now_s)

    def _put(self, leaf: Leaf, asked: str, arguments: Sequence[object], sender: Sender, now_s: float) -> None:
        try:
            if asked == IN_FORCE:
                raise ParamError(f"expected no arguments, which asks for the value in force; got {len(arguments)}")
            if leaf.param.kind == "action":
                if asked == NORMALISED:
                    raise ParamError(f"expected a parameter with a range; got an action, {leaf.address}")
                self._tree.call(leaf.address, arguments)
                return
            if asked == SET and leaf.param.kind == "bool" and tuple(arguments) == (BANG,):
                self._tree.press(leaf.address)
                return
            raw = value_of(leaf.param, arguments)
            if asked == NORMALISED:
                self._tree.post_normalised(leaf.address, raw)  # type: ignore[arg-type]  # which it checks
            else:
                self._tree.post(leaf.address, raw)
        except (LookupError, ParamError) as error:
            self._refuse_value(error, leaf.address, sender, now_s)

    def _list(self, arguments: Sequence[object], sender: Sender, now_s: float) -> list[bytes]:
        prefix = arguments[0] if arguments else ""
        if len(arguments) > 1 or not isinstance(prefix, str):
            raise ParamError(f"expected a prefix of addresses or nothing; got {arguments!r:.80}")
        return listing(self._leaves, prefix)

    def _unknown(self, address: str) -> str:
        try:
            self._tree.leaf(address)
        except LookupError as error:
            return str(error.args[0])
        return f"expected the address of a parameter; got {address!r}"

    def _refuse_value(self, error: Exception, address: str, sender: Sender, now_s: float) -> None:
        wrong = str(error.args[0])

        def line() -> str:
            leaf = self._leaves.get(address)
            if leaf is None:
                return f"{wrong[:160]}; kept {address}"
            return f"{wrong[:160]}; kept {address} at {leaf.base!r:.40}" if leaf.param.holds else wrong[:160]

        self._refuse(UNKNOWN if isinstance(error, LookupError) else BAD_VALUE, sender, now_s, line, address)

    def _refuse(self, reason: str, sender: Sender, now_s: float, wrong: Callable[[], str], about: str = "") -> None:
        self._errors.refuse(reason, sender, now_s, wrong, about)
