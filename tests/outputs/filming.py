"""Pictures that carry their number, films of them, and what a player finds in those."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from engine.core.types import ByteArray, FloatArray
from engine.outputs.film import FilmSink

SIZE, FPS, RATE_HZ = (320, 180), 30, 48000
HOP = RATE_HZ // FPS


def open_film(
    path: Path, size: tuple[int, int] = SIZE, rate_hz: float = FPS, sound_rate_hz: int = RATE_HZ, paced: bool = False
) -> FilmSink:
    sink = FilmSink(path)
    sink.open(size, rate_hz, sound_rate_hz, paced)
    return sink


def numbered(number: int, size: tuple[int, int] = SIZE) -> ByteArray:
    """A picture that carries its number: eight fields, each dark or bright."""
    picture = np.full((size[1], size[0], 4), 255, np.uint8)
    for bit in range(8):
        field = slice(bit * size[0] // 8, (bit + 1) * size[0] // 8)
        picture[:, field, :3] = 200 if number >> bit & 1 else 40
    return picture


def number_of(rgb: ByteArray) -> int:
    fields = rgb.mean(axis=(0, 2)).reshape(8, -1).mean(axis=1)
    return sum(1 << bit for bit in range(8) if fields[bit] > 120)


@dataclass(frozen=True)
class Film:
    times_s: list[float]
    pictures: list[ByteArray]
    sound: FloatArray  # (n,), left, from time 0


def play(path: Path) -> Film:
    """Decode a film as a player does, up to where it ends or breaks off."""
    times_s, pictures, sound = [], [], [np.zeros(0, np.float32)]
    with av.open(str(path)) as container, contextlib.suppress(av.error.InvalidDataError):
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                times_s.append(frame.time)
                pictures.append(frame.to_ndarray(format="rgb24"))
            else:
                lost = round(frame.time * RATE_HZ) - sum(map(len, sound))
                sound.append(np.zeros(max(lost, 0), np.float32))
                sound.append(frame.to_ndarray()[0][max(-lost, 0) :])
    return Film(times_s, pictures, np.concatenate(sound))


def boxes(path: Path) -> list[bytes]:
    """The kinds of the file's outermost boxes, all of them whole."""
    data, at, kinds = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        kinds.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    assert at == len(data), "the last box is torn"
    return kinds


def click_at(sound: FloatArray) -> float:
    return float(np.argmax(np.abs(sound) > 0.3)) / RATE_HZ
