"""What stands between two slashes of an OSC address pattern, matched without regular expressions and without going back.

`?` any character, `*` any run of them, `[a-z]` `[!x]` one of a set, `{this,that}` one of some names. All places of a name that
the beginning of a pattern may have reached are kept as the bits of one integer, so a match costs one pass over the pattern.
"""

from engine.remote.osc.packet import PacketError

SIGNS = frozenset("*?[]{}")  # what makes a part more than a name


class Name:
    """One part of an address, as patterns look at it."""

    __slots__ = ("end", "letters", "places", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 1 << len(text)
        self.places: dict[str, int] = {}  # bit n: this character stands at n
        for place, letter in enumerate(text):
            self.places[letter] = self.places.get(letter, 0) | 1 << place
        self.letters = tuple((_bit(letter), places) for letter, places in self.places.items())


class Text:
    """Characters as they are."""

    __slots__ = ("least", "text")

    def __init__(self, text: str) -> None:
        self.text, self.least = text, len(text)

    def step(self, name: Name, at: int) -> int:
        """From the places reached before this element to those reached after it."""
        places = name.places
        for letter in self.text:
            at = (at & places.get(letter, 0)) << 1
            if not at:
                break
        return at


class Star:
    """`*`."""

    __slots__ = ()
    least = 0

    def step(self, name: Name, at: int) -> int:
        return (name.end << 1) - (at & -at)


class One:
    """`?`."""

    __slots__ = ()
    least = 1

    def step(self, name: Name, at: int) -> int:
        return (at & name.end - 1) << 1


class OneOf:
    """`[a-z]`, `[!x]`: the characters as bits."""

    __slots__ = ("bits",)
    least = 1

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def step(self, name: Name, at: int) -> int:
        bits, reached = self.bits, 0
        for bit, places in name.letters:
            if bits & bit:
                reached |= places
        return (at & reached) << 1


class Either:
    """`{this,that}`."""

    __slots__ = ("least", "texts")

    def __init__(self, texts: tuple[Text, ...]) -> None:
        self.texts = texts
        self.least = min(text.least for text in texts)

    def step(self, name: Name, at: int) -> int:
        whole, reached = name.text, 0
        for text in self.texts:
            if text.text in whole:  # few of many are
                reached |= text.step(name, at)
        return reached


Element = Text | Star | One | OneOf | Either


class Part:
    """A pattern between two slashes."""

    __slots__ = ("elements", "least")

    def __init__(self, elements: tuple[Element, ...]) -> None:
        self.elements = elements
        self.least = sum(element.least for element in elements)  # so no more elements than twice the name's length are tried

    def matches(self, name: Name) -> bool:
        if len(name.text) < self.least:
            return False
        at = 1
        for element in self.elements:
            at = element.step(name, at)
            if not at:
                return False
        return at & name.end != 0


def read_part(text: str) -> Part:
    """The part of a pattern that `text` is. Raises PacketError for brackets and braces that are not as they should be."""
    elements: list[Element] = []
    at, plain = 0, 0
    while at < len(text):
        sign = text[at]
        if sign not in SIGNS:
            at += 1
            continue
        if plain < at:
            elements.append(Text(text[plain:at]))
        if sign == "*":
            if not elements or elements[-1] is not _STAR:  # a run of stars is one star
                elements.append(_STAR)
            at += 1
        elif sign == "?":
            elements.append(_ONE)
            at += 1
        elif sign in "]}":
            raise PacketError(f"expected {sign} after what it closes; got {text[:40]!r}")
        else:
            end = text.find("]" if sign == "[" else "}", at)
            if end < 0:
                raise PacketError(f"expected {sign} to be closed before the next slash; got {text[:40]!r}")
            inner = text[at + 1 : end]
            elements.append(OneOf(_read_set(inner)) if sign == "[" else _read_names(inner))
            at = end + 1
        plain = at
    if plain < at:
        elements.append(Text(text[plain:at]))
    return Part(tuple(elements))


def _read_set(inner: str) -> int:
    """The characters between brackets as bits."""
    chosen = inner[1:] if inner[:1] == "!" else inner
    if not chosen or "[" in chosen:
        raise PacketError(f"expected characters in brackets, as in [a-z]; got [{inner[:40]}]")
    bits, at = 0, 0
    while at < len(chosen):
        low = high = _place(chosen[at])
        if chosen[at + 1 : at + 2] == "-" and at + 2 < len(chosen):
            high = _place(chosen[at + 2])
            at += 2
        if high < low:
            raise PacketError(f"expected ranges that rise, as in [a-z]; got [{inner[:40]}]")
        bits |= (2 << high) - (1 << low)
        at += 1
    return ~bits if inner[:1] == "!" else bits


def _read_names(inner: str) -> Text | Either:
    """The names between braces."""
    names = inner.split(",")
    if "" in names or not SIGNS.isdisjoint(inner):
        raise PacketError(f"expected names in braces, as in {{red,blue}}; got {{{inner[:40]}}}")
    if len(names) == 1:
        return Text(inner)
    return Either(tuple(map(Text, dict.fromkeys(names))))


def _place(letter: str) -> int:
    """The number of a character; all beyond ASCII share one, since packets hold none of them."""
    return min(ord(letter), 128)


def _bit(letter: str) -> int:
    return 1 << _place(letter)


_STAR, _ONE = Star(), One()
