"""Films: pictures and sound into H.264 and AAC, in a file that plays wherever it is cut off."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.core.registry import register
from engine.core.types import ByteArray, FloatArray
from engine.outputs.filenames import is_film, reserved, unused
from engine.outputs.film_file import FilmFile
from engine.outputs.sink import Sink, SinkStatus

KEYFRAME_EVERY_S = 2.0  # a fragment: all that a crash can cost
SOUND_SLIP_S = 0.05  # a jump in the sound's own time that is a gap, and no jitter
SOUND_LAG_S = 2.0  # sound further behind the picture than this has stopped, and silence is put in its place
SETTLED_S = 1.0  # pictures of another size for so long go into a film of their own: a window's edge is dragged through many

# Fragments while recording, so that a film cut off at any moment plays; an ordinary MP4 once it is closed.
_MP4 = ("mp4", {"movflags": "hybrid_fragmented+frag_keyframe+delay_moov+default_base_moof"})
_MATROSKA = ("matroska", {"cluster_time_limit": f"{1000 * KEYFRAME_EVERY_S:.0f}", "flush_packets": "1"})
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BT709, _LIMITED = 1, 1  # codes of ITU-T H.273, shared by primaries, transfer and matrix
_NVENC = {"preset": "p4", "rc": "vbr", "cq": "21"}
_X264_LIVE = {"preset": "superfast", "crf": "20", "aq-mode": "3"}
_X264_STEPPED = {"preset": "veryfast", "crf": "17", "aq-mode": "3"}  # 3: bits for dark gradients, which band first


@dataclass(frozen=True, slots=True)
class FilmStatus(SinkStatus):
    """A sink's status, of all its films together; `state` may be `disk full` too."""

    encoder: str
    seconds: float
    megabytes: float


@register("sink", "film")
class FilmSink(Sink):
    """Writes one film, replacing an existing file. Sizes are rounded down to even.

    Pictures go to the nearest 1/rate_hz, and the first to come for a place is kept; the first picture or sound is the film's
    start. A lost sound device leaves silence of the right length. Pictures of another size are scaled, and once the size has
    settled, the film ends and goes on in a new file, numbered: show.mp4, show-2.mp4.
    """

    example = "show.mp4"
    pictures_waiting = 24
    takes_sound = True

    def __init__(self, path: Path) -> None:
        if not is_film(path):
            raise ValueError(f"expected a film ending in .mp4, .m4v, .mov or .mkv; got {path}")
        super().__init__(str(path))
        self.path = path
        self._encoder = ""
        self._encoded, self._before_s, self._before_bytes = 0, 0.0, 0  # `_before`: in films that are closed
        self._last_slot = -1
        self._settling_s: float | None = None  # since when pictures have had another size

    @classmethod
    def from_target(cls, target: str) -> Self:
        return cls(Path(target))

    def announcement(self) -> str:
        return f"recording {self.path}"

    def restarted(self) -> None:
        self._name(unused(self.path))

    def acquire(self) -> None:
        self._size = self._wanted = self.format.size
        self._make_file()

    def status(self) -> FilmStatus:
        base = super().status()
        seconds = self._before_s + (self._last_slot + 1) / max(self.format.rate_hz, 1e-9)
        megabytes = (self._before_bytes + (self._file.written_bytes if base.state != "new" else 0)) / 1e6
        return FilmStatus(
            base.title, base.state, self._encoded, base.dropped, base.lost_s, base.message, self._encoder, seconds, megabytes
        )

    def begin(self) -> None:
        import av  # here and below: a command's help lists the sinks, and av takes as long as the rest of it

        self._origin_s: float | None = None
        self._last_slot = -1
        self._heard_frames = 0  # sound encoded so far, in samples of one channel
        self._canvas = np.empty((self._size[1], self._size[0], 4), np.uint8)
        muxer, options = _MATROSKA if self.path.suffix.lower() == ".mkv" else _MP4
        self._container: Any = self._opened.enter_context(av.open(self._file, "w", format=muxer, options=options))
        self._streams = list(self._open_streams())

    def finish(self) -> None:
        for stream in self._streams:
            self._mux(stream.encode(None))
        self._opened.close()
        if self._file.error is not None:
            raise self._file.error

    def release(self) -> None:
        self._opened.close()

    def fault(self, error: Exception) -> tuple[str, str]:
        trouble = self._file.error
        if trouble is None:
            return "failed", f"expected to go on recording {self.path}; got {error}; kept what was written"
        state = "disk full" if trouble.errno in _FULL else "failed"
        return state, f"expected room for {self.path}; got {trouble.strerror}; kept the film up to there"

    def write_picture(self, rgba: ByteArray, t_s: float) -> None:
        if self._wanted != self._size:
            self._settling_s = t_s if self._settling_s is None else self._settling_s
            if t_s - self._settling_s >= SETTLED_S:
                self._begin_another()
        slot = round((t_s - self._start(t_s)) * self.format.rate_hz)
        if slot <= self._last_slot:
            return
        from av import VideoFrame

        if self._canvas.shape != rgba.shape:
            self._canvas = np.empty(rgba.shape, np.uint8)
        np.copyto(self._canvas, rgba)
        frame = VideoFrame.from_numpy_buffer(self._canvas, format="rgba").reformat(
            width=self._size[0] & ~1,
            height=self._size[1] & ~1,
            format="yuv420p",
            dst_colorspace=_BT709,
            dst_color_range=_LIMITED,
        )
        frame.pts, frame.time_base = slot, self._streams[0].codec_context.time_base
        self._mux(self._streams[0].encode(frame))
        self._encoded += 1
        self._last_slot = slot
        if self.format.sound_rate_hz:  # without sound the muxer would keep the pictures in memory
            silence = self._missing(slot / self.format.rate_hz - SOUND_LAG_S)
            self._add_sound(np.zeros((silence, 2), np.float32))

    def write_sound(self, stereo: FloatArray, t_s: float) -> None:
        rate_hz = self.format.sound_rate_hz
        start_s = t_s - self._start(t_s)
        slip_s = start_s - self._heard_frames / rate_hz
        if slip_s < -SOUND_SLIP_S or self._heard_frames == 0:
            stereo = stereo[max(round(-slip_s * rate_hz), 0) :]
        if slip_s > SOUND_SLIP_S or self._heard_frames == 0:
            self._add_sound(np.zeros((self._missing(start_s), 2), np.float32))
        self._add_sound(np.clip(np.nan_to_num(stereo), -1.0, 1.0))

    def change_size(self, size: tuple[int, int]) -> None:
        self._wanted, self._settling_s = size, None

    def _begin_another(self) -> None:
        """End this film and go on in a new file, in the size that is wanted."""
        self.finish()
        self._before_s += (self._last_slot + 1) / self.format.rate_hz
        self._before_bytes += self._file.written_bytes
        was = self.path
        self._name(reserved(was)[0])
        self._make_file()
        self._size, self._settling_s = self._wanted, None
        self.begin()
        self.say(f"{was} ends with its size; {self.path} goes on in {self._size[0]}x{self._size[1]}")

    def _make_file(self) -> None:
        self._file, self._opened = FilmFile(self.path), ExitStack()
        self._opened.enter_context(self._file)

    def _name(self, path: Path) -> None:
        self.path, self.title = path, str(path)

    def _start(self, t_s: float) -> float:
        """The time at which the film starts: that of the first to ask."""
        if self._origin_s is None:
            self._origin_s = t_s
        return self._origin_s

    def _open_streams(self) -> Iterator[Any]:
        width, height = self._size[0] & ~1, self._size[1] & ~1
        options = _X264_LIVE if self.format.paced else _X264_STEPPED
        self._encoder = "libx264"
        if nvenc_opens(width, height):
            self._encoder, options = "h264_nvenc", _NVENC
        rate = Fraction(self.format.rate_hz).limit_denominator(1001)
        pictures = self._container.add_stream(self._encoder, rate=rate, options=dict(options))
        codec = pictures.codec_context
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base = 1 / rate
        codec.gop_size = round(KEYFRAME_EVERY_S * self.format.rate_hz)
        codec.color_primaries = codec.color_trc = codec.colorspace = _BT709
        codec.color_range = _LIMITED
        yield pictures
        if self.format.sound_rate_hz:
            yield self._container.add_stream("aac", rate=self.format.sound_rate_hz, layout="stereo", options={"b": "256k"})

    def _missing(self, until_s: float) -> int:
        return max(round(until_s * self.format.sound_rate_hz) - self._heard_frames, 0)

    def _add_sound(self, stereo: FloatArray) -> None:
        from av import AudioFrame

        if len(stereo) == 0:
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(stereo.T), format="fltp", layout="stereo")
        frame.sample_rate = self.format.sound_rate_hz
        frame.pts, frame.time_base = self._heard_frames, Fraction(1, self.format.sound_rate_hz)
        self._heard_frames += len(stereo)
        self._mux(self._streams[1].encode(frame))

    def _mux(self, packets: Any) -> None:
        self._container.mux(packets)
        if self._file.error is not None:
            raise self._file.error


def nvenc_opens(width: int, height: int) -> bool:
    """Whether NVIDIA's encoder can be used: it is compiled in everywhere, and opens only beside a card that has one."""
    import av
    import av.error

    try:
        codec: Any = av.CodecContext.create("h264_nvenc", "w")
        codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "yuv420p", Fraction(1, 30)
        codec.options = dict(_NVENC)
        codec.open()
    except (av.error.FFmpegError, OSError, ValueError):
        return False
    return True
