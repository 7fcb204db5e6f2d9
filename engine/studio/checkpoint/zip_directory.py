"""Where the entries of a zip file lie (APPNOTE.TXT 6.3, zip64 included). Only stored entries: PyTorch packs none, bombs do."""

from engine.studio.checkpoint.bounded_reader import CheckpointError, Window, shown

_END, _END_BYTES, _COMMENT = b"PK\x05\x06", 22, 65535
_END64, _LOCATOR64, _LOCATOR_BYTES = b"PK\x06\x06", b"PK\x06\x07", 20
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 1
_STEPS = 20  # what reading one entry costs, in steps


def entries(window: Window) -> dict[str, Window]:
    """Every entry's bytes by its name. Raises CheckpointError for a zip that is cut off, packed, or lies about its entries."""
    count, size, offset = _directory(window)
    window.source.spend(count * _STEPS, size)
    rows = _at(window, window.begin + offset, size)
    found: dict[str, Window] = {}
    for _ in range(count):
        if rows.read(4) != _ENTRY:
            raise CheckpointError(f"expected {count} entries in the zip {window.path}; got {len(found)}")
        rows.step(4)  # versions
        flags, method = rows.number(2), rows.number(2)
        rows.step(8)  # time, date, checksum
        packed, whole = rows.number(4), rows.number(4)
        name_size, extra_size, comment_size = rows.number(2), rows.number(2), rows.number(2)
        rows.step(8)  # disk, attributes
        local = rows.number(4)
        name = rows.read(name_size).decode("utf-8", "replace")
        whole, packed, local = _wide(rows.part(extra_size), [whole, packed, local])
        rows.step(comment_size)
        if method or packed != whole or flags & _ENCRYPTED:
            what = "encrypted" if flags & _ENCRYPTED else f"packed (method {method}: {packed} bytes for {whole})"
            raise CheckpointError(f"expected stored entries in the zip {window.path}; got {shown(name)!r}, which is {what}")
        head = _at(window, window.begin + local, 30)
        if head.read(4) != _LOCAL:
            raise CheckpointError(f"expected the entry {shown(name)!r} at byte {local} of the zip {window.path}; got none")
        head.step(22)
        skip = head.number(2) + head.number(2)
        if name in found:
            raise CheckpointError(f"expected each entry once in the zip {window.path}; got {shown(name)!r} twice")
        found[name] = _at(window, head.end + skip, whole)
    return found


def _directory(window: Window) -> tuple[int, int, int]:
    """How many entries there are, and the size and place of their table."""
    tail = max(window.begin, window.end - _END_BYTES - _COMMENT)
    at = window.data.rfind(_END, tail, window.end)
    if at < 0 or window.end - at < _END_BYTES:
        raise CheckpointError(f"expected a zip's directory at the end of {window.path}; got none: it was cut off or damaged")
    end = _at(window, at + 4, _END_BYTES - 4)
    end.step(6)
    count, size, offset, comment = end.number(2), end.number(4), end.number(4), end.number(2)
    if end.at + comment != window.end:
        raise CheckpointError(f"expected the zip {window.path} to end with its directory; got bytes after it, or too few")
    if _FULL16 in (count,) or _FULL32 in (size, offset):
        locator = _at(window, at - _LOCATOR_BYTES, _LOCATOR_BYTES)
        if locator.read(4) == _LOCATOR64:
            locator.step(4)
            wide = _at(window, window.begin + locator.number(8), 56)
            if wide.read(4) != _END64:
                raise CheckpointError(f"expected a zip64 directory in {window.path}; got none: it is damaged")
            wide.step(28)
            count, size, offset = wide.number(8), wide.number(8), wide.number(8)
    return count, size, offset


def _wide(extra: Window, fields: list[int]) -> list[int]:
    """The fields with those that did not fit 32 bits taken from the zip64 extra field."""
    while extra.end - extra.at >= 4:
        kind, size = extra.number(2), extra.number(2)
        part = extra.part(size)
        if kind == 1:
            return [part.number(8) if field == _FULL32 else field for field in fields]
    return fields


def _at(window: Window, begin: int, size: int) -> Window:
    if not window.begin <= begin <= begin + size <= window.end:
        raise CheckpointError(
            f"expected bytes {begin}..{begin + size} in {window.path}; got {window.end}: it was cut off or damaged"
        )
    return Window(window.source, begin, begin + size)
