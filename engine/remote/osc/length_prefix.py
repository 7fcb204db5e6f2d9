"""OSC 1.0's framing of a stream: each packet after its length, a 32-bit number, big-endian."""

from struct import Struct

from engine.remote.osc.packet import MAX_BYTES
from engine.remote.osc.slip import FrameError

_LENGTH = Struct(">i")


class LengthDecoder:
    """Bytes of a stream become packets. Memory is bounded by the longest packet."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def waiting(self) -> int:
        """Bytes of a packet that has not ended."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that end in `data`. Raises FrameError; the stream cannot be read on after that."""
        data, at, found = self._rest + data, 0, []
        while len(data) - at >= _LENGTH.size:
            size = _LENGTH.unpack_from(data, at)[0]
            if not 0 <= size <= MAX_BYTES:
                raise FrameError(f"expected a length of 0 to {MAX_BYTES} bytes before each packet; got {size}")
            if len(data) - at - _LENGTH.size < size:
                break
            at += _LENGTH.size
            if size:
                found.append(data[at : at + size])
            at += size
        self._rest = data[at:]
        return found


def prefixed(packet: bytes) -> bytes:
    """The packet after its length."""
    return _LENGTH.pack(len(packet)) + packet
