"""Datagrams by the handful: many of them in one system call where the system can (recvmmsg of Linux), else one by one.

Each system call that lets go of the interpreter may have to wait for a thread that computes to hand it back, a millisecond or
so. At 10,000 datagrams a second, one call each, the socket's buffer then overflows, and what is lost is the newest.
"""

import ctypes
import mmap
import socket
import struct
import sys
from typing import Any

BATCH = 64
LARGEST = 65_536  # bytes: no datagram is longer
SENDERS = 1024  # remembered
_MEMORY_INFO = 55  # SO_MEMINFO
_DROPS = 8  # its ninth number

Datagram = tuple[bytes, tuple[str, int]]


def reader(source: socket.socket) -> "OneByOne":
    """The quickest there is on this system for a socket that does not block."""
    if sys.platform == "linux":
        try:
            return Together(source)
        except (OSError, AttributeError):  # a C library without recvmmsg
            pass
    return OneByOne(source)


def dropped_by_system(source: socket.socket) -> int:
    """Datagrams that did not fit the socket's buffer, ever; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    try:
        figures = source.getsockopt(socket.SOL_SOCKET, _MEMORY_INFO, 4 * (_DROPS + 1))
    except OSError:
        return 0
    return int(struct.unpack_from("=I", figures, 4 * _DROPS)[0]) if len(figures) >= 4 * (_DROPS + 1) else 0


class OneByOne:
    """Works everywhere."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source

    def read(self) -> list[Datagram]:
        """What has arrived, at most BATCH; nothing if nothing has. Never waits. Raises OSError."""
        found: list[Datagram] = []
        for _ in range(BATCH):
            try:
                data, sender = self._source.recvfrom(LARGEST)
            except BlockingIOError:
                break
            except ConnectionResetError:  # how Windows tells that an earlier answer found nobody
                continue
            found.append((data, (sender[0], sender[1])))
        return found


class _Vector(ctypes.Structure):
    """C's iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """Linux's msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Slot(ctypes.Structure):
    """Linux's mmsghdr: a header, and how long the datagram was."""

    _fields_ = (("header", _Header), ("size", ctypes.c_uint))


class Together(OneByOne):
    """One call for all. The interpreter is not let go of, since the call does not wait and copies a few KB."""

    def __init__(self, source: socket.socket) -> None:
        super().__init__(source)
        self._call: Any = ctypes.PyDLL(None, use_errno=True).recvmmsg
        self._call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
        self._is_v6 = source.family == socket.AF_INET6
        self._name_size = 28 if self._is_v6 else 16
        # Anonymous memory is given by the system page by page, as it is first written: small datagrams touch little of it.
        self._data = mmap.mmap(-1, BATCH * LARGEST)
        self._names = mmap.mmap(-1, BATCH * self._name_size)
        self._vectors, self._slots = (_Vector * BATCH)(), (_Slot * BATCH)()
        data, names = (ctypes.addressof(ctypes.c_char.from_buffer(memory)) for memory in (self._data, self._names))
        for at in range(BATCH):
            self._vectors[at] = _Vector(data + at * LARGEST, LARGEST)
            header = self._slots[at].header
            header.name, header.name_size = names + at * self._name_size, self._name_size
            header.vectors, header.vector_count = ctypes.addressof(self._vectors[at]), 1
        self._senders: dict[bytes, tuple[str, int]] = {}

    def read(self) -> list[Datagram]:
        count = self._call(self._source.fileno(), self._slots, BATCH, socket.MSG_DONTWAIT, None)
        if count <= 0:
            return []  # nothing there; an error of the network is told by the next call, and passes
        found: list[Datagram] = []
        slots, data, names, size = self._slots, self._data, self._names, self._name_size
        for at in range(count):
            name = names[at * size : (at + 1) * size]
            sender = self._senders.get(name) or self._sender(name)
            found.append((data[at * LARGEST : at * LARGEST + slots[at].size], sender))
        return found

    def _sender(self, name: bytes) -> tuple[str, int]:
        port = int.from_bytes(name[2:4], "big")
        if self._is_v6:
            scope = int.from_bytes(name[24:28], sys.byteorder)
            sender = socket.inet_ntop(socket.AF_INET6, name[8:24]) + (f"%{scope}" if scope else ""), port
        else:
            sender = socket.inet_ntop(socket.AF_INET, name[4:8]), port
        if len(self._senders) >= SENDERS:
            self._senders.clear()
        self._senders[name] = sender
        return sender
