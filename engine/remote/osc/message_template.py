"""Messages as bytes, for what is sent many times a second: addresses and type tags are laid out once, floats filled in."""

import struct
from collections.abc import Iterable, Sequence

import numpy as np

LARGEST = 1400  # bytes of a packet: with its headers it fits the frames of any network, unfragmented
HEAD = b"#bundle\0" + struct.pack(">Q", 1)  # the time tag 1 means: at once
ROOM = LARGEST - len(HEAD)
LONGEST_TEXT = 200  # characters of a string argument


def element(address: str, *arguments: float | str) -> bytes:
    """One message behind its size, as it stands in a bundle; numbers are sent as floats. Raises UnicodeEncodeError."""
    tags, body = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            tags += "s"
            body += _padded(argument[:LONGEST_TEXT])
        else:
            tags += "f"
            body += struct.pack(">f", argument)
    message = _padded(address) + _padded(tags) + body
    return struct.pack(">i", len(message)) + message


def packets(elements: Iterable[bytes]) -> list[bytes]:
    """Runs of elements, none above ROOM bytes, joined in order into as few bundles as hold them."""
    bundles: list[bytes] = []
    held, size = [HEAD], 0
    for item in elements:
        if size and size + len(item) > ROOM:
            bundles.append(b"".join(held))
            held, size = [HEAD], 0
        held.append(item)
        size += len(item)
    return [*bundles, b"".join(held)] if size else bundles


class Template:
    """Messages of floats whose addresses stay the same: `fill` costs a copy, whatever their number."""

    def __init__(self, messages: Sequence[tuple[str, int]]) -> None:
        """Addresses, each with its number of floats."""
        laid, floats, self._cuts, cut, size = b"", list[int](), [0], 0, 0
        for address, count in messages:
            item = element(address, *[0.0] * count)
            size += len(item)
            if size - cut > ROOM and len(laid) > cut:
                self._cuts.append(len(laid))
                cut = len(laid)
            laid += item
            floats += range((size - 4 * count) // 4, size // 4)  # all that OSC knows is a multiple of four bytes long
        self._cuts.append(size)
        self._words = np.frombuffer(bytearray(laid), ">f4")
        self._floats = np.array(floats, np.intp)

    def fill(self, numbers: Sequence[float]) -> list[bytes]:
        """The messages with these floats, all of them in order, as runs of at most ROOM bytes."""
        self._words[self._floats] = numbers
        laid = self._words.tobytes()
        return [laid[start:end] for start, end in zip(self._cuts, self._cuts[1:], strict=False)]


def _padded(text: str) -> bytes:
    """Text as OSC writes it: ended by one to four zeros, up to a multiple of four bytes."""
    raw = text.encode("ascii", "replace").replace(b"\0", b"?")
    return raw + b"\0" * (4 - len(raw) % 4)
