"""Closed walks through a model as films, looping pictures and strips: the end flows into the beginning."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.core.network import Network
from engine.generators.layers.mapping_network import Mapping as MappingNetwork
from engine.outputs.filenames import FILM_ENDINGS
from engine.outputs.film import FilmSink
from engine.studio.drawing import Array, Frames, core, frames, latents, loop, placed
from engine.studio.sheets import ENDINGS, tile

FILMS, PICTURES = FILM_ENDINGS, (".png", ".jpg")
MOMENTS, COLUMNS = 24, 8  # of a strip
_AT_ONCE = 16  # frames


@dataclass(frozen=True, slots=True)
class Track:
    """What a network is given, a row a frame."""

    z: Array  # (n, Z)
    y: Array  # (n, C)
    extra_inputs: Mapping[str, Array] = field(default_factory=dict)  # name -> (n, *shape)

    def __len__(self) -> int:
        return len(self.z)

    def draw(self, network: Network, moments: Sequence[int], truncation: float) -> Iterator[Frames]:
        """The frames (b,H,W,3) of `moments`, a few at a time."""
        for start in range(0, len(moments), _AT_ONCE):
            at = np.array(moments[start : start + _AT_ONCE])
            extra_inputs = {name: values[at] for name, values in self.extra_inputs.items()}
            yield frames(network, self.z[at], self.y[at], truncation=truncation, extra_inputs=extra_inputs)


def through_z(network: Network, indices: Sequence[int], n: int, seed: int, turn: float) -> Track:
    """A loop of n frames in z, that turns by `turn` radians in all, or once if that is less, through the classes in order."""
    waves = 1
    while ((waves + 1) * (2 * waves + 1) / 6) ** 0.5 * 2 * np.pi < turn * (1 - 1e-6):  # root mean square of its speed
        waves += 1
    return Track(loop(network, n, seed, waves), crossing(network, indices, n))


def through_w(network: Network, indices: Sequence[int], n: int, seed: int, turn: float, truncation: float) -> Track:
    """A loop of n frames through styles, one a quarter turn, joined by Catmull-Rom curves in w: shorter ways than those of z.

    Raises ValueError for a network without styles.
    """
    mapping = mapping_network(network)
    keys = max(3, round(turn / (np.pi / 2)))
    z, y = latents(network, keys, seed), crossing(network, indices, n)
    at = np.arange(keys) * n // keys
    with torch.no_grad():
        given = [torch.from_numpy(a).to(placed(network)) for a in (z, y[at])]
        style = mapping.style(*given).float().cpu().numpy()  # (keys, W)
    centre = mapping.w_avg.float().cpu().numpy()
    style = centre + truncation * (style - centre)
    path = _closed_curve(style, n)  # (n, W)
    layers = (network.extra_inputs["w"][0] - 1) // path.shape[1]
    w = np.concatenate([np.tile(path, (1, layers)), np.ones((n, 1))], 1).astype(np.float32)  # (n, L*W + 1)
    return Track(z[:1].repeat(n, 0), y, {"w": w})


def mapping_network(network: Network) -> MappingNetwork:
    """What maps z to styles. Raises ValueError for an architecture without it."""
    mapping = getattr(core(network), "mapping", None)
    if not isinstance(mapping, MappingNetwork) or "w" not in network.extra_inputs:
        raise ValueError(f"expected an architecture with styles w (StyleGAN); got {type(network).__name__}")
    return mapping


def crossing(network: Network, indices: Sequence[int], n: int) -> Array:
    """Class weights (n,C) that pass from each class to the next, and from the last to the first."""
    place = np.arange(n) * len(indices) / n
    step = place.astype(int)
    share = place - step
    share = share * share * (3 - 2 * share)
    chosen = np.array(indices)
    y = np.zeros((n, network.classes), np.float32)
    np.add.at(y, (np.arange(n), chosen[step]), 1 - share)
    np.add.at(y, (np.arange(n), chosen[(step + 1) % len(chosen)]), share)
    return y


def write(network: Network, track: Track, file: Path, fps: float, truncation: float) -> Iterator[int]:
    """Draw `track` into `file` and tell how many frames have been drawn: a film, a WebP that loops, or a strip of moments.

    Raises OSError where the file cannot be written.
    """
    if file.suffix.lower() in PICTURES:
        count = drawn(file, track)
        moments = [k * len(track) // count for k in range(count)]
        found = yield from _counted(track.draw(network, moments, truncation))
        rows = [found[i : i + COLUMNS] for i in range(0, len(found), COLUMNS)]
        tile(rows, min(144, network.resolution[0])).save(file, quality=88)
    elif file.suffix.lower() == ".webp":
        found = yield from _counted(track.draw(network, range(len(track)), truncation))
        ends_ms = np.round(np.arange(len(found) + 1) * 1000 / fps).astype(int)
        first, *others = (Image.fromarray(frame) for frame in found)
        first.save(file, save_all=True, append_images=others, duration=np.diff(ends_ms).tolist(), loop=0, quality=80)
    else:
        yield from _film(network, track, file, fps, truncation)


def drawn(file: Path, track: Track) -> int:
    """How many frames `write` will draw."""
    return min(MOMENTS, len(track)) if file.suffix.lower() in PICTURES else len(track)


def check_ending(file: Path) -> None:
    """Raises ValueError for a file that no loop can be written as, before anything is drawn."""
    if file.suffix.lower() not in (*FILMS, *ENDINGS):
        raise ValueError(f"expected a file ending in {', '.join((*FILMS, *ENDINGS))}; got {file}")


def _film(network: Network, track: Track, file: Path, fps: float, truncation: float) -> Iterator[int]:
    film = FilmSink(file)
    film.open(network.resolution, fps, sound_rate_hz=0, paced=False)
    try:
        number = 0
        for some in track.draw(network, range(len(track)), truncation):
            for frame in some:
                film.picture(np.concatenate([frame, np.full_like(frame[..., :1], 255)], 2), number / fps)
                number += 1
            yield number
    finally:
        film.close()
    if film.status().state != "closed":
        raise OSError(film.status().message)


def _counted(some: Iterable[Frames]) -> Generator[int, None, Frames]:
    drawn: list[Frames] = []
    for few in some:
        drawn.append(few)
        yield sum(map(len, drawn))
    return np.concatenate(drawn)


def _closed_curve(knots: Array, n: int) -> Array:
    """A closed Catmull-Rom curve (n,W) through knots (k,W), evenly spaced in time."""
    place = np.arange(n) * len(knots) / n
    step = place.astype(int)
    t = (place - step)[:, None]
    a, b, c, d = (knots[(step + k) % len(knots)] for k in (-1, 0, 1, 2))  # (n, W) each
    curve: Array = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve
