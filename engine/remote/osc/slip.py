"""SLIP (RFC 1055): a stream of bytes becomes frames, and no sender makes us remember more than one."""

from pythonosc.slip import END, ESC, ESC_END, ESC_ESC

from engine.remote.osc.packet import MAX_BYTES


class FrameError(ValueError):
    """Bytes that are no SLIP, or a frame longer than any OSC packet; the message says what was expected and what came."""


class SlipDecoder:
    """Bytes of a stream become frames. Memory is bounded by the longest packet, each of its bytes escaped."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has not ended."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that end in `data`. Raises FrameError; the stream cannot be read on after that."""
        *whole, self._rest = (self._rest + data).split(END)
        if len(self._rest) > 2 * MAX_BYTES:
            raise FrameError(f"expected frames of at most {MAX_BYTES} bytes; got {len(self._rest)} and no end")
        return [_unescaped(frame) for frame in whole if frame]


def _unescaped(frame: bytes) -> bytes:
    if ESC not in frame:
        return frame
    if frame.count(ESC) != frame.count(ESC + ESC_END) + frame.count(ESC + ESC_ESC):
        raise FrameError(f"expected escapes of SLIP; got others in a frame of {len(frame)} bytes")
    return frame.replace(ESC + ESC_END, END).replace(ESC + ESC_ESC, ESC)
