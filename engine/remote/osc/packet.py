"""Bytes become OSC messages, or one error that says what is wrong: strict, bounded, and without a socket.

OSC 1.0 with the types of 1.1. A message is taken whole or refused whole. Nothing here waits, recurses deeper than `MAX_DEPTH` or
remembers more than `MAX_SHAPES` type-tag strings; any thread may call it.
"""

from struct import Struct
from typing import NamedTuple, NoReturn

MAX_BYTES = 65_507  # what one UDP datagram carries; a packet from a stream gets no more
MAX_DEPTH = 8  # bundles within bundles
MAX_MESSAGES = 4096  # in one packet
MAX_ARGUMENTS = 4096  # in one packet, all messages together
MAX_WRONG = 16  # bad messages in one packet; with more it is rubbish
MAX_ADDRESS = 255
MAX_ARRAYS = 8  # arrays within arrays
MAX_SHAPES = 256

IMMEDIATELY = 1  # the time tag that asks for no waiting

# How type tags are written in the language of `struct`; messages of these alone are read by one call.
_FIXED = {"i": "i", "f": "f", "h": "q", "d": "d"}
_TO_STRUCT = bytes.maketrans("".join(_FIXED).encode(), "".join(_FIXED.values()).encode())
_FIXED_TAGS = "".join(_FIXED).encode()
_NUMBERS = {ord(tag): Struct(">" + code) for tag, code in _FIXED.items()}
_WORDS: dict[int, bool | None] = {ord("T"): True, ord("F"): False, ord("N"): None, ord("I"): True}
_EMPTY_TAGS = bytes(_WORDS)
_ALL_TAGS = _FIXED_TAGS + b"sSbcmrt" + _EMPTY_TAGS
_TEXTS = b"sS"
_BLOB, _MIDI, _COLOUR, _TIME = b"bmrt"

_SLASH, _COMMA, _OPEN, _CLOSE = b"/,[]"
_BUNDLE = b"#bundle\0"
_PADS = (b"", b"\0", b"\0\0", b"\0\0\0", b"\0\0\0\0")
_SIZE = Struct(">i")
_TIME_TAG = Struct(">Q")
_LONG_TAGS = 64  # longer type-tag strings are remembered only if all their tags are alike, which keeps their structs small

# How the arguments of a type-tag string are read: by one struct; not at all, because the tags say everything; or one by one, by
# these tags. What `,` announces is a struct of no bytes.
Shape = Struct | tuple[bool | None, ...] | bytes

_made = tuple.__new__  # what a NamedTuple does, without the call between
_shapes: dict[bytes, Shape] = {}


class PacketError(ValueError):
    """Bytes that are no OSC packet, or more of one than is taken; the message says what was expected and what came."""


class TooMuchError(PacketError):
    """More in one packet than is taken: nothing of it is."""


class Colour(NamedTuple):
    """Red, green, blue and alpha, 0..255 each, of a type tag r: no number that a fader could mean."""

    red: int
    green: int
    blue: int
    alpha: int


class TimeTag(NamedTuple):
    """NTP's 64 bits, of a type tag t: no number either."""

    ntp: int


class Message(NamedTuple):
    """One OSC message.

    `arguments`: int for i h, float for f d, Colour for r, TimeTag for t, str for s S c, bytes for b, bool for T F, None for N,
    (port, status, data, data) for m, and True for I, the impulse that fires a trigger. The items of arrays follow each other as
    if there were no brackets.
    `time_tag`: of the innermost bundle around it, in NTP's 64 bits; None for at once.
    """

    address: str
    arguments: tuple[object, ...]
    time_tag: int | None


def parse(data: bytes, wrong: list[PacketError] | None = None) -> tuple[Message, ...]:
    """All messages of one packet, in order. An empty bundle holds none. Raises PacketError.

    With a list for what is `wrong` in a bundle, a bad message in it costs that message alone.
    """
    size = len(data)
    if not size or size & 3 or size > MAX_BYTES:
        raise PacketError(f"expected a packet of 4, 8, 12 ... {MAX_BYTES} bytes; got {size}")
    if data[0] == _SLASH:
        return (_message(data, 0, size, None),)
    if not data.startswith(_BUNDLE):
        _no_packet(data, 0)
    messages: list[Message] = []
    _bundle(data, 0, size, 1, messages, 0, wrong)
    return tuple(messages)


def _bundle(
    data: bytes, at: int, end: int, depth: int, messages: list[Message], arguments: int, wrong: list[PacketError] | None
) -> int:
    """Read data[at:end], a bundle, into `messages`; the number of arguments so far goes in and comes out."""
    if depth > MAX_DEPTH:
        raise PacketError(f"expected bundles nested at most {MAX_DEPTH} deep; got more")
    if end - at < 16:
        raise PacketError(f"expected a bundle of at least 16 bytes; got {end - at}")
    number = _TIME_TAG.unpack_from(data, at + 8)[0]
    time_tag = None if number == IMMEDIATELY else number
    at += 16
    while at < end:
        size = _SIZE.unpack_from(data, at)[0]
        at += 4
        if size <= 0 or size & 3 or size > end - at:
            raise PacketError(f"expected a bundle element of 4, 8, 12 ... {end - at} bytes; got the size {size}")
        try:
            if data[at] == _SLASH:
                message = _message(data, at, at + size, time_tag)
                messages.append(message)
                arguments += len(message.arguments)
            elif data.startswith(_BUNDLE, at):
                arguments = _bundle(data, at, at + size, depth + 1, messages, arguments, wrong)
            else:
                _no_packet(data, at)
        except PacketError as error:
            if wrong is None or isinstance(error, TooMuchError):
                raise
            wrong.append(error)
            if len(wrong) > MAX_WRONG:
                raise TooMuchError(f"expected at most {MAX_WRONG} bad messages in a packet; got more") from None
        if len(messages) > MAX_MESSAGES or arguments > MAX_ARGUMENTS:
            raise TooMuchError(f"expected at most {MAX_MESSAGES} messages and {MAX_ARGUMENTS} arguments in a packet; got more")
        at += size
    return arguments


def _message(data: bytes, at: int, end: int, time_tag: int | None) -> Message:
    """Read data[at:end], which begins with a slash. `at` and `end` are multiples of 4."""
    stop = data.find(b"\0", at, end)
    tags_at = stop + 4 & -4
    if stop - at > MAX_ADDRESS or stop < 0 or not data.startswith(_PADS[tags_at - stop], stop):
        _no_text("an address", data, at, stop, MAX_ADDRESS)
    try:
        address = str(data[at:stop], "ascii")
    except UnicodeDecodeError:
        raise PacketError(f"expected an ASCII address; got {_start(data, at)}") from None
    if not address.isprintable():
        raise PacketError(f"expected an address of printable characters; got {_start(data, at)}")
    if tags_at == end:  # old senders leave out the type tags where there are no arguments
        return _made(Message, (address, (), time_tag))
    if data[tags_at] != _COMMA:
        raise PacketError(f"expected type tags that begin with a comma after {address}; got {_start(data, tags_at)}")
    stop = data.find(b"\0", tags_at, end)
    at = stop + 4 & -4
    if stop < 0 or not data.startswith(_PADS[at - stop], stop):
        _no_text("type tags", data, tags_at, stop, end)
    tags = data[tags_at + 1 : stop]
    shape = _shapes.get(tags) or _shape_of(tags, end - at)
    if isinstance(shape, Struct):
        if end - at != shape.size:
            raise PacketError(f"expected {shape.size} bytes of arguments; got {end - at}")
        return _made(Message, (address, shape.unpack_from(data, at), time_tag))
    if isinstance(shape, tuple):
        if at != end:
            raise PacketError(f"expected 0 bytes of arguments; got {end - at}")
        return _made(Message, (address, shape, time_tag))
    return _made(Message, (address, _arguments(data, at, end, shape), time_tag))


def _arguments(data: bytes, at: int, end: int, tags: bytes) -> tuple[object, ...]:
    """The arguments in data[at:end], where `tags` is known to hold known types only."""
    found: list[object] = []
    for tag in tags:
        if tag in _TEXTS:
            stop = data.find(b"\0", at, end)
            after = stop + 4 & -4
            if stop < 0 or not data.startswith(_PADS[after - stop], stop):
                _no_text("a string", data, at, stop, end)
            try:
                found.append(str(data[at:stop], "utf-8"))
            except UnicodeDecodeError:
                raise PacketError(f"expected a string in UTF-8; got {_start(data, at)}") from None
            at = after
        elif tag in _WORDS:
            found.append(_WORDS[tag])
        elif tag in _NUMBERS:
            number = _NUMBERS[tag]
            if end - at < number.size:
                raise PacketError(f"expected {number.size} bytes of an argument of type {chr(tag)}; got {end - at}")
            found.append(number.unpack_from(data, at)[0])
            at += number.size
        else:
            if end - at < 4:
                raise PacketError(f"expected at least 4 bytes of an argument of type {chr(tag)}; got {end - at}")
            if tag == _BLOB:
                size = _SIZE.unpack_from(data, at)[0]
                at += 4
                if size < 0 or size > end - at:
                    raise PacketError(f"expected a blob of 0 to {end - at} bytes; got the size {size}")
                found.append(data[at : at + size])
                at += size
                if not data.startswith(_PADS[-size & 3], at):
                    raise PacketError(f"expected a blob padded with zeros; got {_start(data, at)}")
                at += -size & 3
            elif tag == _MIDI:
                found.append(tuple(data[at : at + 4]))
                at += 4
            elif tag == _COLOUR:
                found.append(Colour(*data[at : at + 4]))
                at += 4
            elif tag == _TIME:
                if end - at < 8:
                    raise PacketError(f"expected 8 bytes of a time tag; got {end - at}")
                found.append(TimeTag(_TIME_TAG.unpack_from(data, at)[0]))
                at += 8
            else:
                code = _SIZE.unpack_from(data, at)[0]
                if not 0 <= code < 128:
                    raise PacketError(f"expected an ASCII character; got the number {code}")
                found.append(chr(code))
                at += 4
    if at != end:
        raise PacketError(f"expected the packet's end after the last argument; got {end - at} more bytes")
    return tuple(found)


def _shape_of(tags: bytes, room: int) -> Shape:
    """How to read the arguments that `tags` announces.

    `room`: bytes there are for them; many that cannot fit are refused before work is put into them.
    """
    if len(tags) > MAX_ARGUMENTS:
        raise PacketError(f"expected at most {MAX_ARGUMENTS} type tags; got {len(tags)}")
    flat = tags if b"[" not in tags and b"]" not in tags else _without_arrays(tags)
    unknown = flat.translate(None, _ALL_TAGS)
    if unknown:
        raise PacketError(f"expected type tags of {_ALL_TAGS.decode()}[]; got {_start(unknown, 0)}")
    least = 4 * len(flat.translate(None, _EMPTY_TAGS))
    if least > room and len(tags) > _LONG_TAGS:
        raise PacketError(f"expected at least {least} bytes of arguments; got {room}")
    shape: Shape = flat
    alike = flat.count(flat[:1]) == len(flat)
    if not flat.translate(None, _FIXED_TAGS):
        codes = flat.translate(_TO_STRUCT).decode()
        shape = Struct(f">{len(codes)}{codes[0]}" if codes and alike else ">" + codes)
    elif not least:
        shape = tuple(_WORDS[tag] for tag in flat)
    if len(tags) <= _LONG_TAGS or (alike and isinstance(shape, Struct)):
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        _shapes[tags] = shape
    return shape


def _without_arrays(tags: bytes) -> bytes:
    depth = 0
    for tag in tags:
        if tag == _OPEN:
            depth += 1
        elif tag == _CLOSE:
            depth -= 1
        if not 0 <= depth <= MAX_ARRAYS:
            break
    if depth:
        raise PacketError(f"expected arrays that are closed and nested at most {MAX_ARRAYS} deep; got {_start(tags, 0)}")
    return tags.translate(None, b"[]")


def _no_packet(data: bytes, at: int) -> NoReturn:
    raise PacketError(f"expected a message or a bundle, which begin with / or #bundle; got {_start(data, at)}")


def _no_text(what: str, data: bytes, at: int, stop: int, most: int) -> NoReturn:
    """Says what is wrong with a text that should lie at data[at:stop]."""
    if stop < 0:
        raise PacketError(f"expected {what} ended by a zero; got {_start(data, at)} without one")
    if stop - at > most:
        raise PacketError(f"expected {what} of at most {most} characters; got {stop - at}")
    raise PacketError(f"expected {what} padded with zeros to 4 bytes; got {_start(data, at)}")


def _start(data: bytes, at: int) -> str:
    """The first bytes of what came, short enough for a log."""
    return repr(data[at : at + 24])
