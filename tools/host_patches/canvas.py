"""A Pure Data canvas written as text: boxes are numbered in the order in which they are put, wires name those numbers.

The format is Pd's own (`#N canvas`, `#X obj`, `#X connect`); only objects of vanilla Pd 0.53 are meant to be put here.
"""

import itertools
from collections.abc import Sequence

INK, PAPER = "#202020", "#fcfcfc"


class Canvas:
    """One window of a patch, or one of its subpatches."""

    def __init__(self, width: int, height: int) -> None:
        self._head = f"#N canvas 60 60 {width} {height}"
        self._boxes: list[str] = []
        self._wires: list[str] = []

    def obj(self, x: int, y: int, text: str) -> int:
        """An object box. Returns its number."""
        return self._put(f"#X obj {x} {y} {_escaped(text)};")

    def msg(self, x: int, y: int, text: str) -> int:
        """A message box."""
        return self._put(f"#X msg {x} {y} {_escaped(text)};")

    def comment(self, x: int, y: int, text: str) -> int:
        """A comment."""
        return self._put(f"#X text {x} {y} {_escaped(text)};")

    def number(self, x: int, y: int, width: int, receive: str, send: str = "-", label: str = "-") -> int:
        """A number box, `width` characters wide."""
        return self._put(f"#X floatatom {x} {y} {width} 0 0 1 {label} {receive} {send} 0;")

    def word(self, x: int, y: int, width: int, receive: str, send: str = "-", label: str = "-") -> int:
        """A symbol box, `width` characters wide."""
        return self._put(f"#X symbolatom {x} {y} {width} 0 0 1 {label} {receive} {send} 0;")

    def slider(self, x: int, y: int, width: int, height: int, receive: str, send: str = "empty", label: str = "empty") -> int:
        """A slider from 0 to 1, lying where it is wider than high."""
        kind, at = ("hsl", f"{width + 8} {height // 2}") if width > height else ("vsl", f"0 {height + 14}")
        ink = f"0 10 {PAPER} {INK} {INK}"
        return self.obj(x, y, f"{kind} {width} {height} 0 1 0 0 {send} {receive} {label} {at} {ink} 0 1")

    def toggle(self, x: int, y: int, size: int, receive: str, send: str = "empty", label: str = "empty") -> int:
        """A switch."""
        return self.obj(x, y, f"tgl {size} 0 {send} {receive} {label} {size + 6} {size // 2} 0 12 {PAPER} {INK} {INK} 0 1")

    def lamp(self, x: int, y: int, size: int, receive: str, send: str = "empty", label: str = "empty") -> int:
        """A button, or a lamp that flashes for what it receives."""
        return self.obj(x, y, f"bng {size} 150 50 0 {send} {receive} {label} {size + 6} {size // 2} 0 12 {PAPER} {INK} {INK}")

    def field(self, x: int, y: int, width: int, height: int, colour: str, receive: str = "empty", label: str = "empty") -> int:
        """A coloured rectangle behind what is put after it."""
        return self.obj(x, y, f"cnv 10 {width} {height} empty {receive} {label} 8 14 0 14 {colour} {INK} 0")

    def inside(self, x: int, y: int, name: str, canvas: "Canvas") -> int:
        """A subpatch."""
        return self._put("\n".join((*canvas.lines(f"{name} 0"), f"#X restore {x} {y} pd {name};")))

    def wire(self, source: int, sink: int, outlet: int = 0, inlet: int = 0) -> None:
        """Connect an outlet to an inlet."""
        self._wires.append(f"#X connect {source} {outlet} {sink} {inlet};")

    def chain(self, *boxes: int) -> None:
        """Connect each box's first outlet to the next one's first inlet."""
        for source, sink in itertools.pairwise(boxes):
            self.wire(source, sink)

    def column(self, x: int, y: int, texts: Sequence[str]) -> list[int]:
        """Objects one below the other, chained; a text in parentheses is a message box."""
        boxes = []
        for row, text in enumerate(texts):
            if text.startswith("("):
                boxes.append(self.msg(x, y + 30 * row, text[1:-1]))
            else:
                boxes.append(self.obj(x, y + 30 * row, text))
        self.chain(*boxes)
        return boxes

    def lines(self, ending: str = "12") -> list[str]:
        """The canvas as the lines of a file; the head of a window ends in its size of letters, a subpatch's in its name and 0."""
        return [f"{self._head} {ending};", *self._boxes, *self._wires]

    def _put(self, line: str) -> int:
        self._boxes.append(line)
        return len(self._boxes) - 1


def _escaped(text: str) -> str:
    return text.replace("$", r"\$").replace(";", r" \;").replace(",", r" \,")
