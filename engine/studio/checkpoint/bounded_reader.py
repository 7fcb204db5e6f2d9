"""Part of a file, read forward, and what a file may cost: nothing is allocated that the file does not hold."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

NAME_LIMIT = 120  # characters of the file's own text that an error repeats


class CheckpointError(ValueError):
    """A checkpoint that cannot be taken; the message names the file, what was expected and what was found."""


@dataclass(slots=True)
class Source:
    """An open file, and what reading it may cost in all, however its parts are nested.

    A StyleGAN2 of 1024 pixels takes 66,000 steps and 0.1 MiB of text, its discriminator and training state included.
    """

    path: Path
    file: BinaryIO
    data: mmap.mmap
    steps: int = 300_000
    text_bytes: int = 8 << 20

    def spend(self, steps: int = 0, text_bytes: int = 0) -> None:
        """Raises CheckpointError when it is used up."""
        self.steps -= steps
        self.text_bytes -= text_bytes
        if self.steps < 0 or self.text_bytes < 0:
            raise CheckpointError(f"expected a checkpoint in {self.path}; got more values and text than any network needs")


class Window:
    """The bytes [begin, end) of a file; `at` moves as they are read."""

    __slots__ = ("at", "begin", "data", "end", "source")

    def __init__(self, source: Source, begin: int, end: int) -> None:
        if not 0 <= begin <= end <= len(source.data):
            found = f"{len(source.data)}: it was cut off or damaged"
            raise CheckpointError(f"expected bytes {begin}..{end} in {source.path}; got {found}")
        self.source, self.data, self.begin, self.end, self.at = source, source.data, begin, end, begin

    @property
    def path(self) -> Path:
        """The file, for errors."""
        return self.source.path

    def __len__(self) -> int:
        return self.end - self.begin

    def fresh(self) -> "Window":
        """The same bytes, read from their beginning again."""
        return Window(self.source, self.begin, self.end)

    def step(self, count: int) -> int:
        """Move `count` bytes on; where they began. Raises CheckpointError beyond the end."""
        at = self.at
        if not 0 <= count <= self.end - at:
            raise CheckpointError(
                f"expected {count} more bytes at {at} in {self.path}; got {self.end - at}: it was cut off or damaged"
            )
        self.at = at + count
        return at

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        at = self.step(count)
        return self.data[at : at + count]

    def numbers(self, offset: int, count: int) -> bytearray:
        """`count` bytes from `offset` on, to be kept: read beside the map, whose pages would count as memory too."""
        data = bytearray(count)
        self.source.file.seek(self.begin + offset)
        if self.begin + offset + count > self.end or self.source.file.readinto(data) != count:  # type: ignore[attr-defined]
            raise CheckpointError(f"expected {count} bytes of numbers in {self.path}; got fewer: it has changed meanwhile")
        return data

    def number(self, count: int, signed: bool = False) -> int:
        """The next `count` bytes as a little-endian number."""
        return int.from_bytes(self.read(count), "little", signed=signed)

    def part(self, count: int) -> "Window":
        """The next `count` bytes, not read."""
        at = self.step(count)
        return Window(self.source, at, at + count)

    def line(self, limit: int = 1024) -> bytes:
        """Up to the next newline, which is passed over."""
        at = self.data.find(b"\n", self.at, min(self.at + limit, self.end))
        if at < 0:
            raise CheckpointError(f"expected a line of at most {limit} bytes at {self.at} in {self.path}; got none that ends")
        line = self.data[self.at : at]
        self.at = at + 1
        return line


@contextmanager
def opened(path: Path) -> Iterator[Window]:
    """The whole of a file. Raises CheckpointError for what is no plain file, or an empty one."""
    if not path.is_file():
        raise CheckpointError(f"expected a checkpoint in {path}; got " + ("no plain file" if path.exists() else "no such file"))
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise CheckpointError(f"expected a checkpoint in {path}; got an empty file")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        yield Window(Source(path, file, data), 0, len(data))


def shown(text: object) -> str:
    """Something a file says, as it may stand in an error: one line of plain letters, not too long."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in str(text)[:NAME_LIMIT])
