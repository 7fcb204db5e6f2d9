"""What is answered to whoever asks: values, lists of addresses and figures, as OSC messages."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from pythonosc.osc_message_builder import build_msg

from engine.core.params import Leaf
from engine.core.types import Value

LISTED = 60  # addresses a message

# Given the arguments, who sent them and time.monotonic(); returns what is answered. Raises ValueError for arguments it refuses.
Handler = Callable[[Sequence[object], tuple[str, int], float], Iterable[bytes] | None]


def answer(address: str, value: Value) -> bytes:
    """One message that holds `value`: a vector as its floats, on and off as 1 and 0, which every host understands."""
    arguments = [int(value)] if isinstance(value, bool) else list(value) if isinstance(value, tuple) else [value]
    message: bytes = build_msg(address, arguments).dgram
    return message


def listing(leaves: Mapping[str, Leaf], prefix: str) -> list[bytes]:
    """The addresses at and below `prefix`, sorted, as `/list` messages, and how many there were as `/list/end`."""
    root = prefix.rstrip("/")
    found = sorted(address for address in leaves if address == root or address.startswith(root + "/"))
    parts = [build_msg("/list", found[at : at + LISTED]).dgram for at in range(0, len(found), LISTED)]
    return [*parts, answer("/list/end", len(found))]


def naming(address: str, names: Callable[[], Sequence[str]]) -> Handler:
    """What answers `/list/patches` and its like: the names as they are now, and at `address`/end how many there are."""

    def tell(arguments: Sequence[object], sender: tuple[str, int], now_s: float) -> list[bytes]:
        known = list(names())
        parts = [build_msg(address, known[at : at + LISTED]).dgram for at in range(0, len(known), LISTED)]
        return [*parts, answer(f"{address}/end", len(known))]

    return tell


def telling(figures: Callable[[], Mapping[str, float | str]]) -> Handler:
    """What answers `/status`: each figure by its name."""

    def tell(arguments: Sequence[object], sender: tuple[str, int], now_s: float) -> list[bytes]:
        told = {name: value if isinstance(value, str) else float(value) for name, value in figures().items()}
        return [answer(f"/status/{name}", value) for name, value in told.items()]

    return tell
