"""Part of a file, read forward, and what a file may cost: nothing is allocated that the file does not hold."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME_LIMIT = 120  # characters of the file's own text that an error repeats


class CheckpointError(ValueError):
    """A checkpoint that cannot be taken; the message names the file, what was expected and what was found."""


@dataclass(slots=True)
class Budget:
    """What reading one file may cost in all, however its parts are nested. A large StyleGAN takes some 60,000 steps."""

    path: Path
    steps: int = 500_000
    text_bytes: int = 16 << 20

    def spend(self, steps: int = 0, text_bytes: int = 0) -> None:
        """Raises CheckpointError when it is used up."""
        self.steps -= steps
        self.text_bytes -= text_bytes
        if self.steps < 0 or self.text_bytes < 0:
            raise CheckpointError(f"expected a checkpoint in {self.path}; got more values and text than any network needs")


class Window:
    """The bytes [begin, end) of a mapped file; `at` moves as they are read."""

    __slots__ = ("at", "begin", "budget", "data", "end")

    def __init__(self, data: mmap.mmap, begin: int, end: int, budget: Budget) -> None:
        if not 0 <= begin <= end <= len(data):
            raise CheckpointError(
                f"expected bytes {begin}..{end} in {budget.path}; got {len(data)}: the file was cut off or damaged"
            )
        self.data, self.begin, self.end, self.budget, self.at = data, begin, end, budget, begin

    @property
    def path(self) -> Path:
        """The file, for errors."""
        return self.budget.path

    def __len__(self) -> int:
        return self.end - self.begin

    def fresh(self) -> "Window":
        """The same bytes, read from their beginning again."""
        return Window(self.data, self.begin, self.end, self.budget)

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

    def number(self, count: int, signed: bool = False) -> int:
        """The next `count` bytes as a little-endian number."""
        return int.from_bytes(self.read(count), "little", signed=signed)

    def part(self, count: int) -> "Window":
        """The next `count` bytes, not read."""
        at = self.step(count)
        return Window(self.data, at, at + count, self.budget)

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
        yield Window(data, 0, len(data), Budget(path))


def shown(text: object) -> str:
    """Something a file says, as it may stand in an error: one line of plain letters, not too long."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in str(text)[:NAME_LIMIT])
