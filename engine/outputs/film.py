"""The recorder: pictures and sound into H.264 and AAC, on a thread of its own, without ever holding up the show."""

import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np

from engine.core.types import ByteArray, FloatArray
from engine.outputs.film_file import FilmFile

PICTURES_WAITING = 24
SOUND_WAITING_S = 10.0
KEYFRAME_EVERY_S = 2.0  # a fragment: all that a crash can cost
SOUND_SLIP_S = 0.05  # a jump in the sound's own time that is a gap, and no jitter
SOUND_LAG_S = 2.0  # sound further behind the picture than this has stopped, and silence is put in its place
NICENESS = 5

# Fragments while recording, so that a film cut off at any moment plays; an ordinary MP4 once it is closed.
_MUXER = {"movflags": "hybrid_fragmented+frag_keyframe+delay_moov+default_base_moof"}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BT709, _LIMITED = 1, 1  # codes of ITU-T H.273, shared by primaries, transfer and matrix
_NVENC = {"preset": "p4", "rc": "vbr", "cq": "21"}
_X264_LIVE = {"preset": "superfast", "crf": "20", "aq-mode": "3"}
_X264_STEPPED = {"preset": "veryfast", "crf": "17", "aq-mode": "3"}  # 3: bits for dark gradients, which band first


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """`state` is recording, closing, closed, disk full or failed; `message` is empty or made for the operator."""

    state: str
    encoder: str
    frames: int  # encoded
    dropped: int  # pictures that found no room
    lost_s: float  # sound that found none
    seconds: float
    megabytes: float
    message: str


class Recorder:
    """Writes one film. `video` and `audio` may be called from different threads; they copy and return.

    `paced` says that pictures come in real time: then one that finds the encoder behind is dropped and counted.
    Without it (a film made frame by frame) the call waits, and nothing is ever dropped. Sizes are rounded down to even.
    `audio_rate_hz` 0 makes a silent film. An existing file is replaced. Raises ValueError for another ending than
    .mp4, .m4v or .mov, and OSError if the file cannot be made; after that, all trouble is in `status` only.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: float,
        audio_rate_hz: int = 48000,
        paced: bool = True,
    ) -> None:
        if path.suffix not in (".mp4", ".m4v", ".mov"):
            raise ValueError(f"expected a film ending in .mp4, .m4v or .mov; got {path}")
        self.path, self.fps = path, fps
        self._width, self._height = size[0] & ~1, size[1] & ~1
        self._rate_hz, self._paced = audio_rate_hz, paced
        self._file = FilmFile(path)
        self._state, self._message, self._encoder = "recording", "", ""
        self._frames = self._dropped = self._lost = 0  # `_lost` in samples of one channel
        self._origin_s: float | None = None
        self._last_slot = self._last_encoded = -1
        self._heard_frames = 0  # sound encoded so far, in samples of one channel
        self._sound_waiting = 0
        self._free: deque[ByteArray] = deque(np.empty((size[1], size[0], 4), np.uint8) for _ in range(PICTURES_WAITING))
        self._waiting: deque[Callable[[], None]] = deque()
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    def video(self, rgba: ByteArray, t_s: float) -> None:
        """Take one picture, (H, W, 4) sRGB, top row first, of time `t_s` in seconds.

        Times lie on one clock with the sound's and may start anywhere; the first is the film's start. Pictures go to
        the nearest 1/fps, the first to come for a place is kept. Another size than the film's is scaled.
        """
        if self._origin_s is None:
            self._origin_s = t_s
        slot = round((t_s - self._origin_s) * self.fps)
        if slot <= self._last_slot:
            return
        with self._change:
            if not self._room(lambda: len(self._free) > 0):
                self._dropped += self._state == "recording"
                return
            picture = self._free.pop()  # the one last used: memory is touched only as far as it is needed
        if picture.shape != rgba.shape:
            picture = np.empty(rgba.shape, np.uint8)
        np.copyto(picture, rgba)
        self._last_slot = slot
        self._put(lambda: self._encode_picture(picture, slot))

    def audio(self, stereo: FloatArray, t_s: float | None = None) -> None:
        """Take sound, (n, 2) in -1..1, that follows on what came before, or starts at `t_s` on the pictures' clock.

        With `t_s` a lost device leaves silence of the right length; without, of up to two seconds less.
        """
        if self._rate_hz == 0:
            return
        if self._origin_s is None and t_s is not None:
            self._origin_s = t_s
        with self._change:
            if not self._room(lambda: self._sound_waiting < SOUND_WAITING_S * self._rate_hz):
                self._lost += len(stereo) * (self._state == "recording")
                return
            self._sound_waiting += len(stereo)
        kept = np.array(stereo, np.float32)
        self._put(lambda: self._encode_sound(kept, t_s))

    def status(self) -> RecorderStatus:
        """How the film stands. Any thread."""
        seconds = (self._last_encoded + 1) / self.fps
        lost_s, megabytes = self._lost / max(self._rate_hz, 1), self._file.written_bytes / 1e6
        return RecorderStatus(self._state, self._encoder, self._frames, self._dropped, lost_s, seconds, megabytes, self._message)

    def close(self, wait: bool = True) -> None:
        """Encode what waits and finish the file; with `wait` false the recorder's thread does so by itself."""
        with self._change:
            if self._state == "recording":
                self._state = "closing"
            self._change.notify_all()
        if wait:
            self._thread.join()

    def _room(self, ready: Callable[[], bool]) -> bool:
        if not self._paced:
            self._change.wait_for(lambda: ready() or self._state != "recording")
        return self._state == "recording" and ready()

    def _put(self, work: Callable[[], None]) -> None:
        with self._change:
            self._waiting.append(work)
            self._change.notify_all()

    def _run(self) -> None:
        if self._paced and sys.platform == "linux":  # there, niceness is a thread's own, and its children's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        state, message = "closed", ""
        try:
            with self._file, av.open(self._file, "w", format="mp4", options=_MUXER) as container:
                self._open_streams(container)
                while (work := self._next()) is not None:
                    work()
                for stream in self._streams:
                    container.mux(stream.encode(None))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            state, message = "failed", f"expected to go on recording {self.path}; got {error}; kept what was written"
        if (trouble := self._file.error) is not None:
            state = "disk full" if trouble.errno in _FULL else "failed"
            message = f"expected room for {self.path}; got {trouble.strerror}; kept the film up to there"
        with self._change:
            self._state, self._message = state, message
            self._waiting.clear()
            self._change.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._state != "recording")
            return self._waiting.popleft() if self._waiting and self._file.error is None else None

    def _open_streams(self, container: Any) -> None:
        options = _X264_LIVE if self._paced else _X264_STEPPED
        self._encoder = "libx264"
        if nvenc_opens(self._width, self._height):
            self._encoder, options = "h264_nvenc", _NVENC
        rate = Fraction(self.fps).limit_denominator(1001)
        self._container = container
        self._pictures = container.add_stream(self._encoder, rate=rate, options=dict(options))
        codec = self._pictures.codec_context
        codec.width, codec.height, codec.pix_fmt = self._width, self._height, "yuv420p"
        codec.time_base = 1 / rate
        codec.gop_size = round(KEYFRAME_EVERY_S * self.fps)
        codec.color_primaries = codec.color_trc = codec.colorspace = _BT709
        codec.color_range = _LIMITED
        self._streams = [self._pictures]
        if self._rate_hz:
            self._sound = container.add_stream("aac", rate=self._rate_hz, layout="stereo", options={"b": "256k"})
            self._streams.append(self._sound)

    def _encode_picture(self, picture: ByteArray, slot: int) -> None:
        source = av.VideoFrame.from_numpy_buffer(picture, format="rgba")
        frame = source.reformat(
            width=self._width,
            height=self._height,
            format="yuv420p",
            dst_colorspace=_BT709,
            dst_color_range=_LIMITED,
        )
        frame.pts, frame.time_base = slot, self._pictures.codec_context.time_base
        self._container.mux(self._pictures.encode(frame))
        self._frames += 1
        self._last_encoded = slot
        with self._change:
            self._free.append(picture)
            self._change.notify_all()
        if self._rate_hz:  # without sound the muxer would keep the pictures in memory
            self._add_sound(np.zeros((self._missing(slot / self.fps - SOUND_LAG_S), 2), np.float32))

    def _encode_sound(self, stereo: FloatArray, t_s: float | None) -> None:
        with self._change:
            self._sound_waiting -= len(stereo)
            self._change.notify_all()
        if t_s is not None and self._origin_s is not None:
            start_s = t_s - self._origin_s
            slip_s = start_s - self._heard_frames / self._rate_hz
            if slip_s < -SOUND_SLIP_S or self._heard_frames == 0:
                stereo = stereo[max(round(-slip_s * self._rate_hz), 0) :]
            if slip_s > SOUND_SLIP_S or self._heard_frames == 0:
                self._add_sound(np.zeros((self._missing(start_s), 2), np.float32))
        self._add_sound(np.clip(np.nan_to_num(stereo), -1.0, 1.0))

    def _missing(self, until_s: float) -> int:
        return max(round(until_s * self._rate_hz) - self._heard_frames, 0)

    def _add_sound(self, stereo: FloatArray) -> None:
        if len(stereo) == 0:
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(stereo.T), format="fltp", layout="stereo")
        frame.sample_rate = self._rate_hz
        frame.pts, frame.time_base = self._heard_frames, Fraction(1, self._rate_hz)
        self._heard_frames += len(stereo)
        self._container.mux(self._sound.encode(frame))


def nvenc_opens(width: int, height: int) -> bool:
    """Whether NVIDIA's encoder can be used: it is compiled in everywhere, and opens only beside a card that has one."""
    try:
        codec: Any = av.CodecContext.create("h264_nvenc", "w")
        codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "yuv420p", Fraction(1, 30)
        codec.options = dict(_NVENC)
        codec.open()
    except (av.error.FFmpegError, OSError, ValueError):
        return False
    return True
