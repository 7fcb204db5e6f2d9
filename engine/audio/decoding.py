"""Decodes files of sound: libsndfile, else FFmpeg (a video's sound too)."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.core.types import FloatArray

log = logging.getLogger("clavilux.sources")
BLOCK = 8192  # frames decoded at a time: long files are streamed, never held


def decoded(path: Path, from_s: float = 0.0) -> Iterator[tuple[FloatArray, int]]:
    """Blocks (n, 2) of a file and their rate in Hz, from about `from_s`; from its beginning where it is not so long.

    Raises OSError for a file without sound; damage further on ends the file.
    """
    import soundfile

    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        yield from _decoded_by_ffmpeg(path, from_s)
        return
    with file:
        block = np.zeros((BLOCK, file.channels), np.float32)
        try:
            if 0.0 < from_s < file.frames / file.samplerate and file.seekable():
                file.seek(int(from_s * file.samplerate))
            while count := len(file.read(dtype="float32", always_2d=True, out=block)):
                yield _stereo(block[:count]), file.samplerate
        except soundfile.LibsndfileError as error:
            log.warning("expected sound up to the end of %s; got %s; it ends here", path, error)


def _decoded_by_ffmpeg(path: Path, from_s: float) -> Iterator[tuple[FloatArray, int]]:
    import av

    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise OSError(f"expected a file of sound that libsndfile or FFmpeg reads; got {path} ({error})") from error
    with container:
        if not container.streams.audio:
            raise OSError(f"expected a file with sound; got {path}, which has none")
        if container.duration and 0.0 < from_s < container.duration / av.time_base:
            container.seek(int(from_s * av.time_base))
        resampler = av.AudioResampler("flt", "stereo")  # folds surround down, keeps the rate
        damaged = 0
        for packet in container.demux(container.streams.audio[0]):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                damaged += 1  # one bad packet is a click, not the end
                continue
            for frame in frames:
                for part in resampler.resample(frame):
                    yield np.asarray(part.to_ndarray(), np.float32).reshape(-1, 2), part.sample_rate
        if damaged:
            log.warning("expected sound in every packet of %s; got %d damaged ones, left out", path, damaged)


def _stereo(block: FloatArray) -> FloatArray:
    """Mono on both sides; channels beyond two are mixed into both, 3 dB down."""
    if block.shape[1] == 1:
        return np.repeat(block, 2, axis=1)
    if block.shape[1] == 2:
        return block.copy()
    return np.asarray(block[:, :2] + np.sqrt(0.5) * block[:, 2:].sum(axis=1, keepdims=True), np.float32)
