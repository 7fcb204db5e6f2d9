"""Draws the sheets of a bundled model: `python -m tools.model_sheets models/light`.

samples.webp: a row a class, eight latents. classes.webp: one large frame a class. walk.webp: a latent walk a row, 14 moments.
mix.webp: two classes crossing over in nine steps. neighbours.webp (with --data): samples beside their nearest training pictures.
"""

import argparse
import json
from pathlib import Path

import torch

from engine.studio import sheets
from engine.studio.drawing import open_model
from engine.studio.neighbours import neighbours, training_views
from engine.studio.picture_distance import Scene

WALKS = ("mountain", "sea", "sky", "forest", "city", "lava", "cosmos", "fractal", "neon", "painted")
PAIRS = (
    ("city", "lava"),
    ("sea", "cosmos"),
    ("forest", "neon"),
    ("mountain", "fractal"),
    ("snow", "desert"),
    ("sky", "painted"),
    ("lava", "cosmos"),
)


def main() -> None:
    """Draws the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the sheets; the model's own by default")
    parser.add_argument("--format", default="webp", choices=("webp", "png"))
    parser.add_argument("--data", type=Path, help="the training set, for the sheet of nearest training pictures")
    parser.add_argument("--features", type=Path, help="open-nsfw.onnx; that of the installed package by default")
    args = parser.parse_args()
    torch.set_num_threads(1)
    network, names = open_model(args.model)
    everything = range(len(names))
    pairs = [(names.index(one), names.index(two)) for one, two in PAIRS]
    made = {
        "samples": sheets.tile(sheets.samples(network, everything), 144),
        "classes": sheets.tile(sheets.large(network, everything), network.resolution[0]),
        "walk": sheets.tile(sheets.walks(network, [names.index(name) for name in WALKS]), 112),
        "mix": sheets.tile(sheets.mixes(network, pairs), 144),
    }
    if args.data:
        near = neighbours(network, everything, *training_views(args.data), Scene(args.features) if args.features else None)
        made["neighbours"] = sheets.tile(near, 112)
    out = args.out or args.model
    out.mkdir(parents=True, exist_ok=True)
    for name, sheet in made.items():
        sheet.save(out / f"{name}.{args.format}", quality=82)
    print(json.dumps({name: sheet.size for name, sheet in made.items()}))


if __name__ == "__main__":
    main()
