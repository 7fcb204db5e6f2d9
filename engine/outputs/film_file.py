"""A film's file that stays playable, whatever happens to the disk or to us."""

import contextlib
import io
import struct
from pathlib import Path

_BOX_HEAD = struct.Struct(">I4s")  # length with the head, kind


class FilmFile(io.RawIOBase):
    """Takes a fragmented MP4 stream from a muxer. A write that fails cuts the file after its last whole fragment.

    From then on everything is swallowed, so that the muxer's ending cannot harm what is on the disk, and `error` says
    why. Only the constructor raises: OSError, if the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.error: OSError | None = None
        self.written_bytes = 0
        self._file = path.open("w+b", buffering=0)  # unbuffered: if we are killed, all that was muxed is there
        self._whole_bytes = 0  # where the last whole fragment ends
        self._head, self._kind, self._left = b"", b"", 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Append `data`, or overwrite where the muxer went back to; always answers that it did."""
        if self.error is not None:
            return len(data)
        appends = self._file.tell() == self.written_bytes
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
            with contextlib.suppress(OSError):  # a disk that is gone cannot be cut either
                self._file.truncate(self._whole_bytes)
            return len(data)
        if appends:
            self._follow(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _follow(self, data: bytes) -> None:
        # A fragment is a moof box and the mdat box after it. Lengths of 64 bits do not occur in two seconds of film.
        while data:
            if self._left == 0:
                head = self._head + data[: _BOX_HEAD.size - len(self._head)]
                taken = len(head) - len(self._head)
                self._head = head
                if len(head) == _BOX_HEAD.size:
                    length, self._kind = _BOX_HEAD.unpack(head)
                    self._left, self._head = length - len(head), b""
            else:
                taken = min(self._left, len(data))
                self._left -= taken
            data = data[taken:]
            self.written_bytes += taken
            if self._left == 0 and not self._head and self._kind in (b"moov", b"mdat"):
                self._whole_bytes = self.written_bytes
