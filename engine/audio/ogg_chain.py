"""Chained Ogg: several streams one after the other in one file, as joined files and recorded radio are."""

from typing import IO

HEADER = 27  # bytes of a page's header before its table of segments
SCAN = 1 << 16


def chain_links(file: IO[bytes]) -> list[tuple[int, int]]:
    """Where each link of the chain begins and ends, in bytes; one or none for what is no chained Ogg (RFC 3533).

    Only headers of pages are read.
    """
    if file.read(4) != b"OggS":
        return []
    end = file.seek(0, 2)
    starts: list[int] = []
    at, in_heads = 0, False
    while at < end:
        file.seek(at)
        header = file.read(HEADER + 255)
        if len(header) < HEADER:
            break
        if header[:4] != b"OggS":  # damage: look for the next page
            at = _next_page(file, at + 1, end)
            continue
        begins = bool(header[5] & 2)
        if begins and not in_heads:
            starts.append(at)
        in_heads = begins
        count = header[26]
        at += HEADER + count + sum(header[HEADER : HEADER + count])
    return list(zip(starts, [*starts[1:], end], strict=True))


def _next_page(file: IO[bytes], at: int, end: int) -> int:
    while at < end:
        file.seek(at)
        found = file.read(SCAN + 3).find(b"OggS")
        if found >= 0:
            return at + found
        at += SCAN
    return end
