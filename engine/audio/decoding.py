"""Decodes files of sound to stereo: libsndfile where it is exact, else FFmpeg (a video's sound too)."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.audio.downmix import to_stereo
from engine.audio.ogg_chain import chain_links
from engine.core.types import FloatArray

log = logging.getLogger("clavilux.sources")
BLOCK = 8192  # frames decoded at a time: long files are streamed, never held
GUESSED = ("MP3", "MPEG", "OGG", "FLAC")  # libsndfile believes the length these say, or guess, and stops or fails there
CUT_OFF = ("WAV", "WAVEX", "RF64", "W64")  # where a recorder was, no length is written, and libsndfile reads none
HEADERLESS = ("GSM610", "VOX_ADPCM")  # that have one usual rate; other bare samples are anybody's guess
UNINDEXED = 0x0100 | 0x0200  # of FFmpeg's formats: no index to seek in, or times that jump
PREROLL_S = 0.5  # decoded before the place asked for: an MP3's frames borrow bits from those before
_BARE = re.compile(r"[usf](8|16|24|32|64)(le|be)?|alaw|mulaw|vidc")  # FFmpeg's names of bare samples


def decoded(path: Path, from_s: float = 0.0, quiet: bool = False) -> Iterator[tuple[FloatArray, int]]:
    """Blocks (n, 2) of a file and their rate in Hz, from `from_s`: nothing where the file is not so long. The rate may change.

    Packets that cannot be decoded are left out, which is said unless `quiet`. Raises OSError for a file without sound, and
    where no more can be read of it.
    """
    file = None if _is_mp3(path) else _opened_by_libsndfile(path)
    if file is not None:
        with file:
            if file.format not in GUESSED and file.channels <= 2 and not (file.frames == 0 and file.format in CUT_OFF):
                yield from _by_libsndfile(file, path, from_s)
                return
    yield from _by_ffmpeg(path, from_s, quiet)


def _is_mp3(path: Path) -> bool:
    """Whether it begins with a tag, or with a frame. libsndfile would find fault with one that is joined, on the terminal."""
    with path.open("rb") as file:
        head = file.read(3)
    return head == b"ID3" or (len(head) == 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0)


def _opened_by_libsndfile(path: Path) -> Any:
    """A SoundFile, or None. Raises OSError for bare samples."""
    import soundfile

    try:
        file = soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else path)  # a name need not be UTF-8
    except TypeError:
        raise OSError(_bare(path)) from None
    except soundfile.LibsndfileError:
        return None
    if file.format == "RAW" and file.subtype not in HEADERLESS:
        file.close()
        raise OSError(_bare(path))
    return file


def _by_libsndfile(file: Any, path: Path, from_s: float) -> Iterator[tuple[FloatArray, int]]:
    import soundfile

    block = np.zeros((BLOCK, file.channels), np.float32)
    try:
        if from_s > 0.0:
            file.seek(min(int(from_s * file.samplerate), file.frames))
        while count := len(file.read(dtype="float32", always_2d=True, out=block)):
            yield to_stereo(block[:count]), file.samplerate
    except soundfile.LibsndfileError as error:
        raise OSError(f"expected sound up to the end of {path}; got {error}") from error


def _by_ffmpeg(path: Path, from_s: float, quiet: bool) -> Iterator[tuple[FloatArray, int]]:
    with path.open("rb") as file:
        links = chain_links(file)
        if len(links) < 2:
            yield from _stream(path, _source(path, file), from_s, quiet)
            return
    for start, end in links:  # of chained Ogg, each with a rate of its own; FFmpeg reads one
        with path.open("rb") as file:
            part = _Part(file, start, end)
            length_s = _length_s(path, part) if from_s > 0.0 else 0.0
            if from_s <= 0.0 or from_s < length_s:
                yield from _stream(path, part, from_s, quiet)
            from_s = max(0.0, from_s - length_s)


def _source(path: Path, file: IO[bytes]) -> "str | _Part":
    """What FFmpeg opens: `mix: live.mp3` would be a protocol, and a name that is not UTF-8 cannot be given to it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return _Part(file, 0, file.seek(0, os.SEEK_END))
    return f"file:{path}"


def _stream(path: Path, source: "str | _Part", from_s: float, quiet: bool) -> Iterator[tuple[FloatArray, int]]:
    """The first stream of sound, exactly from `from_s`."""
    import av

    damaged = 0
    with _opened(path, source) as container:
        try:
            at_s, packets = _skipped(container, from_s)
            for packet in packets:
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    damaged += not _is_tag(packet)  # one bad packet is a click, not the end
                    continue
                for frame in frames:
                    rate = frame.sample_rate
                    late = min(frame.samples, max(0, round((from_s - at_s) * rate)))
                    at_s += frame.samples / rate
                    if late < frame.samples:
                        yield to_stereo(_samples(frame)[late:], [channel.name for channel in frame.layout.channels]), rate
        except av.FFmpegError as error:
            raise OSError(f"expected sound up to the end of {path}; got {error}") from error
    if damaged and not quiet:
        log.warning("expected sound in every packet of %s; got %d damaged ones, left out", path, damaged)


def _opened(path: Path, source: "str | _Part") -> Any:
    import av

    try:
        container = av.open(source, metadata_errors="replace")  # tags are in any encoding
    except (av.FFmpegError, OSError) as error:
        raise OSError(f"expected a file of sound that libsndfile or FFmpeg reads; got {path} ({error})") from error
    if _BARE.fullmatch(container.format.name):
        container.close()
        raise OSError(_bare(path))
    if not container.streams.audio:
        container.close()
        raise OSError(f"expected a file with sound; got {path}, which has none")
    return container


def _skipped(container: Any, from_s: float) -> tuple[float, Iterator[Any]]:
    """Where decoding begins, in seconds, and the packets from there: shortly before `from_s`."""
    stream = container.streams.audio[0]
    until_s = from_s - PREROLL_S
    if until_s <= 0.0:
        return 0.0, container.demux(stream)
    if container.format.flags & UNINDEXED:
        return _counted(container.demux(stream), until_s)
    first_s = float((stream.start_time or 0) * stream.time_base)
    container.seek(int((first_s + until_s) / stream.time_base), stream=stream)
    packets = container.demux(stream)
    for packet in packets:
        if packet.pts is not None:
            return float(packet.pts * packet.time_base) - first_s, _again(packet, packets)
    return from_s, packets  # the end


def _counted(packets: Iterator[Any], until_s: float) -> tuple[float, Iterator[Any]]:
    """The same by adding up packets: what the file says of itself is a guess, and decoding takes a hundred times as long.

    Of AAC whose rate changes on the way, FFmpeg gives lengths by the first rate: the place is then late.
    """
    at, until, base_s = 0, float("inf"), 0.0  # in ticks of the stream: fractions of a second would take as long as the rest
    for packet in packets:
        if base_s == 0.0 and packet.time_base:
            base_s = float(packet.time_base)
            until = until_s / base_s
        if at >= until:
            return at * base_s, _again(packet, packets)
        at += packet.duration or 0
    return at * base_s, packets


def _again(packet: Any, packets: Iterator[Any]) -> Iterator[Any]:
    yield packet
    yield from packets


def _is_tag(packet: Any) -> bool:
    """Whether it holds what stands before or after an MP3 and is no sound, here in the middle of joined ones."""
    head = bytes(packet)[:64]
    return head.startswith((b"ID3", b"TAG", b"APETAGEX")) or any(word in head for word in (b"Xing", b"Info", b"VBRI"))


def _length_s(path: Path, part: "_Part") -> float:
    with _opened(path, part) as container:
        length_s, _ = _counted(container.demux(container.streams.audio[0]), float("inf"))
    part.seek(0)
    return length_s


def _samples(frame: Any) -> FloatArray:
    """A frame's samples (n, channels), -1..1."""
    array: Any = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)
    if array.dtype.kind == "f":
        return np.asarray(array, np.float32)
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    return np.asarray((array - (half if array.dtype.kind == "u" else 0.0)) / half, np.float32)


def _bare(path: Path) -> str:
    return (
        f"expected a file that says its rate and channels; got bare samples in {path}"
        f" (convert it, as in: ffmpeg -f s16le -ar 48000 -ac 2 -i {path.name} {path.stem}.wav)"
    )


class _Part:
    """The bytes `start` to `end` of a file, as a file: what FFmpeg reads."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        self.seek(0)

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._file.tell()
        return self._file.read(left if size < 0 else max(0, min(size, left)))

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (self._start, self._file.tell(), self._end)[whence]
        return self._file.seek(max(self._start, base + offset)) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start
