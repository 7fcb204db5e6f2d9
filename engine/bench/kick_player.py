"""Plays kicks into PulseAudio, from a process of its own, and says when: `python -m engine.bench.kick_player`.

Each line printed is the CLOCK_MONOTONIC time at which the block that begins with a kick was handed to the server.
"""

import ctypes
import time

import click
import numpy as np

from engine.core.rng import Rng
from engine.core.types import FloatArray

RATE_HZ = 48000
BLOCK = 256
_FLOAT32LE, _PLAYBACK = 5, 1  # PA_SAMPLE_FLOAT32LE, PA_STREAM_PLAYBACK


def kick(rate_hz: int = RATE_HZ) -> FloatArray:
    """A kick drum of 0.25 s, loud from its first samples: a tone that falls from 110 to 50 Hz, and the beater's snap. (N,)."""
    time_s = np.arange(int(0.25 * rate_hz)) / rate_hz
    phase = 2.0 * np.pi * np.cumsum(50.0 + 60.0 * np.exp(-time_s / 0.03)) / rate_hz
    smooth = np.exp(-2.0 * np.pi * 1500.0 * time_s[: rate_hz // 200])  # a one-pole low-pass at 1.5 kHz, as its response
    noise = np.random.default_rng(1).standard_normal(time_s.size)
    snap = np.convolve(np.convolve(noise, smooth), smooth)[: time_s.size]
    snap *= np.exp(-time_s / 0.005) / np.abs(snap).max()
    drum = 0.8 * np.sin(phase) * np.exp(-time_s / 0.06) + 0.4 * snap
    drum *= np.minimum(1.0, (time_s[-1] - time_s) / 0.02)
    return np.clip(drum, -1.0, 1.0).astype(np.float32)


class _SampleSpec(ctypes.Structure):
    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8))


class _BufferAttr(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize"))


class Playback:
    """A mono stream into PulseAudio's default device, written block by block; an underrun is a gap and ends nothing.

    PortAudio's own output stalls after one on PulseAudio's ALSA plugin, so the simple client library is used.
    """

    def __init__(self) -> None:
        """Raises OSError where there is no server."""
        self._library = ctypes.CDLL("libpulse-simple.so.0")
        self._library.pa_simple_new.restype = ctypes.c_void_p
        anything, block_bytes = 0xFFFFFFFF, BLOCK * 4
        sample = _SampleSpec(_FLOAT32LE, RATE_HZ, 1)
        buffer = _BufferAttr(anything, 2 * block_bytes, block_bytes, block_bytes, anything)
        error = ctypes.c_int(0)
        names = (None, b"clavilux", _PLAYBACK, None, b"clicks")
        stream = self._library.pa_simple_new(*names, ctypes.byref(sample), None, ctypes.byref(buffer), ctypes.byref(error))
        if not stream:
            raise OSError(f"expected a PulseAudio server; got error {error.value}")
        self._stream = ctypes.c_void_p(stream)

    def write(self, block: FloatArray) -> None:
        """Hand over samples, (N,); waits until there is room for them. Raises OSError if the server is gone."""
        if self._library.pa_simple_write(self._stream, block.tobytes(), ctypes.c_size_t(block.nbytes), None) < 0:
            raise OSError("expected PulseAudio to take a block; got an error")


@click.command()
@click.option("--seconds", type=float, required=True)
@click.option(
    "--shortest", type=float, default=0.9, help="Between kicks, in seconds; the gaps are drawn, so that no period hides."
)
@click.option("--longest", type=float, default=1.5)
@click.option("--seed", type=int, default=0)
def main(seconds: float, shortest: float, longest: float, seed: int) -> None:
    """Play until the time is over."""
    playback, rng = Playback(), Rng(seed, "clicks")
    sound = np.concatenate([kick(), np.zeros(BLOCK, np.float32)])
    sound = sound[: sound.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    silence = np.zeros(BLOCK, np.float32)
    started = time.monotonic()
    due_s, at, count = started + 1.0, len(sound), 0
    while (now := time.monotonic()) - started < seconds:
        if now >= due_s and now - started < seconds - 0.5:
            at, count = 0, count + 1
            due_s = now + shortest + (longest - shortest) * rng.unit(count)
            print(f"{now:.6f}", flush=True)
        playback.write(sound[at] if at < len(sound) else silence)
        at += 1


if __name__ == "__main__":
    main()
