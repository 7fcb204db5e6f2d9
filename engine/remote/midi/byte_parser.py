"""Bytes of one MIDI input to messages. I/O-free: any bytes give messages or nothing, and what was not MIDI is counted."""

from collections.abc import Sequence
from typing import Any

SYSEX, SYSEX_END, REALTIME = 0xF0, 0xF7, 0xF8
LONGEST = 64 * 1024  # bytes handed over at once; more is dropped unread
LENGTHS = {
    **{kind | channel: 2 if kind in (0xC0, 0xD0) else 3 for kind in range(0x80, 0xF0, 0x10) for channel in range(16)},
    **{0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF6: 1},
    **dict.fromkeys((0xF8, 0xFA, 0xFB, 0xFC, 0xFE, 0xFF), 1),
}
TOLD = 0xF0  # statuses below speak on a channel, and may be left out where they repeat (running status)


class ByteParser:
    """One input's bytes, as its driver hands them over: whole messages mostly, but several at once or half of one do no harm.

    Messages are `mido.Message`. One thread may feed it at a time. Raises ImportError, when it is made, where mido is missing.
    """

    def __init__(self) -> None:
        from mido import Message

        self._decode = Message.from_bytes
        self._running = 0  # the status in force for data bytes that come without one
        self.received = 0
        self.noise = 0  # bytes that belonged to no message
        self.sysex = 0  # system exclusive messages, and hand-overs too long to be anything else: nobody here reads them

    def feed(self, data: Sequence[int]) -> Sequence[Any]:
        """The messages in `data`, in order. Never raises for any bytes of 0..255."""
        size = len(data)
        if size and LENGTHS.get(data[0]) == size and (size == 1 or max(data[1:]) < 0x80):
            if data[0] < REALTIME:
                self._running = data[0] if data[0] < TOLD else 0
            self.received += 1
            return (self._decode(data),)
        if size > LONGEST:
            self.sysex += 1
            self._running = 0
            return ()
        found = self._walk(data)
        self.received += len(found)
        return found

    def _walk(self, data: Sequence[int]) -> list[Any]:
        found: list[Any] = []
        begun: list[int] = []
        exclusive = False
        for byte in data:
            if byte >= REALTIME:  # may stand anywhere, in the middle of a message too
                if byte in LENGTHS:
                    found.append(self._decode((byte,)))
                else:
                    self.noise += 1
            elif byte == SYSEX:
                self._drop(begun)
                self._running, exclusive = 0, True
                self.sysex += 1
            elif byte >= 0x80:
                self._drop(begun)
                if byte != SYSEX_END or not exclusive:
                    self.noise += byte not in LENGTHS
                exclusive = False
                self._running = byte if byte < TOLD else 0
                begun = [byte] if byte in LENGTHS else []
            elif not exclusive:
                if not begun and self._running:
                    begun = [self._running]
                if begun:
                    begun.append(byte)
                else:
                    self.noise += 1
            if begun and len(begun) == LENGTHS[begun[0]]:
                found.append(self._decode(begun))
                begun = []
        if begun:  # it broke off: data that comes next without a status is not known to belong to it
            self._running = 0
            self._drop(begun)
        return found

    def _drop(self, begun: list[int]) -> None:
        self.noise += len(begun)
        begun.clear()
