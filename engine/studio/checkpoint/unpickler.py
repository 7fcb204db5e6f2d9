"""Reads pickles as data: an interpreter of the pickle opcodes that cannot import, call or change anything of Python's.

A name in the file ("global") is looked up in a table of parts that may be rebuilt; one that is not there is refused. Lists,
tuples, dicts, texts and numbers are Python's own; bytes stay in the file as windows. Keys of dicts are texts and small
integers, because hashing anything else can be made to take for ever; sets become lists.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.studio.checkpoint.bounded_reader import CheckpointError, Window, shown

KEY_LIMIT = 2**60  # integers below are their own hash
DIGITS_LIMIT = 32  # bytes of an integer
CONVERT = (
    "which is a network for TensorFlow; convert it with NVIDIA's stylegan2-ada-pytorch on a machine you trust it on "
    "(python legacy.py --source OLD.pkl --dest NEW.pkl), then import NEW.pkl"
)


@dataclass(frozen=True, slots=True)
class Maker:
    """What a file may call: a function of ours that takes the file's arguments as data."""

    name: str
    make: Callable[[tuple[Any, ...]], Any]


class Buildable(Protocol):
    """A part that is given its state after it was made."""

    def build(self, state: Any) -> None:
        """Take the state, or raise CheckpointError or ValueError."""


Table = Mapping[tuple[str, str], Any]  # (module, name) -> a Maker, or the value itself
_MARK = object()


class Unpickler:
    """One pickle: `load` gives its value and leaves the window after it."""

    def __init__(self, window: Window, table: Table, persistent: Callable[[Any], Any] | None = None) -> None:
        self.window, self.table, self.persistent = window, table, persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The value. Raises CheckpointError for whatever is no pickle of tensors and plain values."""
        window, source, stack = self.window, self.window.source, self.stack
        try:
            while True:
                code = window.data[window.step(1)]
                source.spend(1)
                if code == 0x2E:  # STOP
                    return stack.pop()
                _CODES[code](self)
        except CheckpointError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as error:
            reason = shown(f"{type(error).__name__} at byte {window.at}: {error}")
            raise CheckpointError(f"expected a pickle in {window.path}; got a damaged one, or none ({reason})") from None

    def since_mark(self) -> list[Any]:
        at = self.marks.pop()
        items = self.stack[at:]
        del self.stack[at:]
        return items

    def text(self, count: int, encoding: str = "utf-8") -> None:
        part = self.window.part(count)
        self.window.source.spend(text_bytes=count)
        self.stack.append(part.read(count).decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict"))

    def integer(self, count: int) -> None:
        if count > DIGITS_LIMIT:
            raise CheckpointError(f"expected integers of up to {DIGITS_LIMIT} bytes in {self.window.path}; got one of {count}")
        self.stack.append(self.window.number(count, signed=True))

    def decimal(self, end: bytes = b"") -> None:
        line = self.window.line(2 * DIGITS_LIMIT).removesuffix(end)
        self.stack.append(line == b"01" if line in (b"00", b"01") else int(line))

    def global_named(self, module: Any, name: Any) -> None:
        if isinstance(module, str) and isinstance(name, str) and (module, name) in self.table:
            self.stack.append(self.table[module, name])
            return
        full = shown(f"{module}.{name}") if isinstance(module, str) and isinstance(name, str) else "one without a name"
        if full.startswith(("dnnlib.tflib", "tensorflow")):
            raise CheckpointError(f"expected a PyTorch checkpoint in {self.window.path}; got {full}, {CONVERT}")
        raise CheckpointError(
            f"expected only tensors and plain values in {self.window.path}; got the global {full}: nothing was run"
            " (where a whole module was saved: load it in the program that made it, and save its state_dict())"
        )

    def call(self, target: Any, arguments: Any) -> None:
        if not isinstance(target, Maker) or not isinstance(arguments, tuple):
            raise TypeError("a call of what is no global, or without a tuple")
        for given in arguments:  # which may be one remembered value, copied again and again
            if isinstance(given, str | bytes):
                self.window.source.spend(text_bytes=len(given))
            elif isinstance(given, list | tuple | dict):
                self.window.source.spend(steps=len(given))
        self.stack.append(target.make(arguments))

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if hasattr(target, "build"):
            target.build(state)
        elif not isinstance(target, dict):  # attributes of dicts, such as a state dict's _metadata, are not kept
            raise TypeError(f"a state for {type(target).__name__}")

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise TypeError("items for what is no dict")
        put(target, zip(items[::2], items[1::2], strict=True))

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError("items for what is no list")
        target.extend(items)

    def dict_of_items(self) -> None:
        items = self.since_mark()
        self.stack.append({})
        self.set_items(items)

    def persist(self, name: Any) -> None:
        if self.persistent is None:
            raise TypeError("a persistent id")
        self.stack.append(self.persistent(name))

    def new_with_keywords(self) -> None:
        keywords, arguments = self.stack.pop(), self.stack.pop()
        if keywords != {}:
            raise TypeError("keywords")
        self.call(self.stack.pop(), arguments)

    def top_tuple(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) < count:
            raise IndexError("an empty stack")
        self.stack[-count:] = [items]

    def pop(self) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def protocol(self) -> None:
        if self.window.number(1) > 5:
            raise ValueError("a protocol beyond 5")


def put(target: dict[Any, Any], pairs: Any) -> None:
    """Set items of a dict. Raises TypeError for keys that are neither texts nor small integers."""
    for key, value in pairs:
        if not (type(key) is str or (type(key) is int and abs(key) < KEY_LIMIT)):
            raise TypeError(f"a key that is a {type(key).__name__}")
        target[key] = value


def _push(value: Callable[[Unpickler], Any]) -> Callable[[Unpickler], None]:
    return lambda u: u.stack.append(value(u))


def _quoted(u: Unpickler) -> str:
    line = u.window.line(1 << 16)
    u.window.source.spend(text_bytes=len(line))
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"') or b"\\" in line:
        raise ValueError("a text that is not plainly quoted")
    return line[1:-1].decode("latin-1")


def _remember(u: Unpickler, index: int) -> None:
    u.memo[index] = u.stack[-1]


def _swap_call(u: Unpickler) -> None:
    arguments = u.stack.pop()
    u.call(u.stack.pop(), arguments)


def _old_instance(u: Unpickler) -> None:
    module, name = u.window.line(), u.window.line()
    u.global_named(module.decode("utf-8"), name.decode("utf-8"))
    u.call(u.stack.pop(), tuple(u.since_mark()))


def _old_object(u: Unpickler) -> None:
    target, *arguments = u.since_mark()
    u.call(target, tuple(arguments))


def _swap_global(u: Unpickler) -> None:
    name = u.stack.pop()
    u.global_named(u.stack.pop(), name)


def _one_item(u: Unpickler) -> None:
    value, key = u.stack.pop(), u.stack.pop()
    u.set_items([key, value])


def _one_append(u: Unpickler) -> None:
    value = u.stack.pop()
    u.append([value])


def _refuse(code: int) -> Callable[[Unpickler], None]:
    def refuse(u: Unpickler) -> None:
        raise ValueError(f"opcode {code:#04x}")

    return refuse


def _text_line(u: Unpickler) -> None:
    line = u.window.line(1 << 16)
    u.window.source.spend(text_bytes=len(line))
    u.stack.append(line.decode("raw-unicode-escape"))


_OPCODES: dict[bytes, Callable[[Unpickler], Any]] = {
    b"\x80": Unpickler.protocol,
    b"\x95": lambda u: u.window.number(8),  # FRAME: only a hint
    b"(": lambda u: u.marks.append(len(u.stack)),
    b"0": Unpickler.pop,
    b"1": lambda u: u.since_mark(),
    b"2": _push(lambda u: u.stack[-1]),
    b"N": _push(lambda u: None),
    b"\x88": _push(lambda u: True),
    b"\x89": _push(lambda u: False),
    b"I": lambda u: u.decimal(),
    b"L": lambda u: u.decimal(b"L"),
    b"J": lambda u: u.integer(4),
    b"K": _push(lambda u: u.window.number(1)),
    b"M": _push(lambda u: u.window.number(2)),
    b"\x8a": lambda u: u.integer(u.window.number(1)),
    b"\x8b": lambda u: u.integer(u.window.number(4)),
    b"F": _push(lambda u: float(u.window.line(64))),
    b"G": _push(lambda u: struct.unpack(">d", u.window.read(8))[0]),
    b"S": _push(_quoted),
    b"T": lambda u: u.text(u.window.number(4), "latin-1"),
    b"U": lambda u: u.text(u.window.number(1), "latin-1"),
    b"V": _text_line,
    b"X": lambda u: u.text(u.window.number(4)),
    b"\x8c": lambda u: u.text(u.window.number(1)),
    b"\x8d": lambda u: u.text(u.window.number(8)),
    b"B": _push(lambda u: u.window.part(u.window.number(4))),
    b"C": _push(lambda u: u.window.part(u.window.number(1))),
    b"\x8e": _push(lambda u: u.window.part(u.window.number(8))),
    b"\x96": _push(lambda u: u.window.part(u.window.number(8))),
    b"]": _push(lambda u: []),
    b"l": _push(lambda u: u.since_mark()),
    b"a": _one_append,
    b"e": lambda u: u.append(u.since_mark()),
    b"\x8f": _push(lambda u: []),
    b"\x90": lambda u: u.append(u.since_mark()),
    b"\x91": _push(lambda u: u.since_mark()),
    b")": _push(lambda u: ()),
    b"t": _push(lambda u: tuple(u.since_mark())),
    b"\x85": lambda u: u.top_tuple(1),
    b"\x86": lambda u: u.top_tuple(2),
    b"\x87": lambda u: u.top_tuple(3),
    b"}": _push(lambda u: {}),
    b"d": Unpickler.dict_of_items,
    b"s": _one_item,
    b"u": lambda u: u.set_items(u.since_mark()),
    b"p": lambda u: _remember(u, int(u.window.line(20))),
    b"q": lambda u: _remember(u, u.window.number(1)),
    b"r": lambda u: _remember(u, u.window.number(4)),
    b"\x94": lambda u: _remember(u, len(u.memo)),
    b"g": _push(lambda u: u.memo[int(u.window.line(20))]),
    b"h": _push(lambda u: u.memo[u.window.number(1)]),
    b"j": _push(lambda u: u.memo[u.window.number(4)]),
    b"c": lambda u: u.global_named(u.window.line().decode("utf-8"), u.window.line().decode("utf-8")),
    b"\x93": _swap_global,
    b"R": _swap_call,
    b"i": _old_instance,
    b"o": _old_object,
    b"\x81": _swap_call,
    b"\x92": Unpickler.new_with_keywords,
    b"b": Unpickler.build,
    b"P": lambda u: u.persist(u.window.line().decode("utf-8")),
    b"Q": lambda u: u.persist(u.stack.pop()),
}
_CODES = tuple(_OPCODES.get(bytes([code]), _refuse(code)) for code in range(256))
