"""Measures a model and writes the figures into its card: `python -m tools.evaluate_model models/light --data out/dataset`.

The judge (tools/judge.py) learns from pictures that the model never saw (split `held`). How good it is, is measured on those by
cross-validation between sources; then it is tried on the training pictures, then on samples.
Distances between sets are kernel distances of opennsfw features (KID: Binkowski et al., 2018), times 1000.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from scipy import ndimage

from engine.generators.light import Light
from engine.studio import card_file
from engine.studio.dataset.dataset import Dataset
from engine.studio.drawing import WALK_STEP, Frames, frames, latents, open_model, walk, weights
from engine.studio.picture_distance import Scene, kernel_distance
from tools.judge import Eyes, HeldOut, views

Array = NDArray[np.float64]
WALK_FRAMES = 120


def judged(light: Light, names: list[str], data: Dataset, eyes: Eyes, per_class: int) -> dict[str, Any]:
    """What the judge says of training pictures and of samples, and how far samples, means and blurs are from the training set."""
    train = data.indices("train")
    known = np.stack([view for i in train for view in views(data[i], 3)])
    known_class = np.array([names.index(data.pictures[i].class_name) for i in train]).repeat(3)
    held = HeldOut(data, eyes, names)
    judge, valid = held.judge(), held.cross_validated()
    scene = eyes.scene
    seen = eyes(known)
    real = judge(seen) == known_class
    drawn = np.concatenate(
        [frames(light, latents(light, per_class, 1000 + c), weights(light, {c: 1.0}, per_class)) for c in range(len(names))]
    )
    drawn_class = np.repeat(np.arange(len(names)), per_class)
    seen_drawn = eyes(drawn)
    named = judge(seen_drawn)
    right = named == drawn_class
    mistaken = {
        (c, k): int(((drawn_class == c) & (named == k)).sum()) for c in range(len(names)) for k in range(len(names)) if c != k
    }
    features, reference = seen_drawn[0] ** 2, seen[0] ** 2  # of opennsfw
    means = np.stack([known[known_class == c].mean(0).astype(np.uint8) for c in range(len(names))])
    blurred = np.stack([ndimage.gaussian_filter(p, (4, 4, 0)) for p in known[::6]])
    return {
        "judge_right_on_held_out_pictures": round(float(valid.mean()), 3),
        "judge_right_on_held_out_pictures_by_class": {
            n: round(float(valid[held.labels == c].mean()), 2) for c, n in enumerate(names)
        },
        "judge_right_on_training_pictures": round(float(real.mean()), 3),
        "judge_right_on_samples": round(float(right.mean()), 3),
        "judge_right_by_class": {n: round(float(right[drawn_class == c].mean()), 2) for c, n in enumerate(names)},
        "judge_mistakes": {f"{names[c]} for {names[k]}": n for (c, k), n in mistaken.items() if n >= per_class / 8},
        "samples": len(drawn),
        "distance_samples": round(kernel_distance(features, reference), 2),
        "distance_class_means": round(kernel_distance(scene(means), reference), 2),
        "distance_blurred_4px": round(kernel_distance(scene(blurred), reference), 2),
        "distance_held_out_pictures": round(kernel_distance(held.seen[0] ** 2, reference), 2),
    }


def moved(light: Light, names: list[str], scene: Scene) -> dict[str, Any]:
    """How walks move: root mean square pixel steps (0..1), compared with the distance between samples of different classes."""
    cells = [frames(light, latents(light, 6, 2000 + c), weights(light, {c: 1.0}, 6)) for c in range(len(names))]

    def gap(a: Frames, b: Frames) -> float:
        return float(np.sqrt(((a.astype(np.float32) - b.astype(np.float32)) ** 2).mean()) / 255)

    between = np.mean([gap(cells[a][k], cells[b][k]) for a in range(len(names)) for b in range(a) for k in range(6)])
    seen = [scene(c) for c in cells]
    apart = np.mean([np.linalg.norm(seen[a][k] - seen[b][k]) for a in range(len(names)) for b in range(a) for k in range(6)])
    ten, jump, far = {}, {}, []
    for c, name in enumerate(names):
        track = frames(light, walk(light, WALK_FRAMES, 3000 + c), weights(light, {c: 1.0}, WALK_FRAMES))
        steps = np.array([gap(a, b) for a, b in zip(track[1:], track[:-1], strict=True)])
        tens = np.array([gap(track[i + 10], track[i]) for i in range(0, WALK_FRAMES - 10, 5)])
        ten[name], jump[name] = round(float(tens.mean() / between), 3), round(float(steps.max() / np.median(steps)), 2)
        at = scene(track[::10])
        far.append(np.linalg.norm(at[1:] - at[:-1], axis=1).mean())
    return {
        "step_radians": WALK_STEP,
        "ten_frames_over_class_distance": round(float(np.mean(list(ten.values()))), 3),
        "ten_frames_over_class_distance_features": round(float(np.mean(far) / apart), 3),
        "ten_frames_by_class": ten,
        "largest_over_median_step": round(max(jump.values()), 2),
        "largest_over_median_step_by_class": jump,
    }


def timed(light: Light) -> dict[str, Any]:
    """Milliseconds a frame in OpenVINO on one thread, and the largest difference from torch at float32."""
    inputs = [
        torch.from_numpy(latents(light, 1, 5)),
        torch.full((1, light.classes), 1 / light.classes),
        torch.ones(1, 1),
        torch.zeros(1, *light.noise_shape),
    ]
    with torch.no_grad():
        goal = light(*inputs).numpy()
    model = openvino.convert_model(light, example_input=inputs, input=[tuple(i.shape) for i in inputs])
    out: dict[str, Any] = {}
    for precision in ("f32", "bf16"):
        compiled = openvino.Core().compile_model(
            model, "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision}
        )
        request = compiled.create_infer_request()
        times = []
        for _ in range(60):
            start = time.perf_counter()
            request.infer([i.numpy() for i in inputs])
            times.append(time.perf_counter() - start)
        out[f"openvino_{precision}_ms"] = round(1000 * float(np.median(times)), 1)
        out[f"openvino_{precision}_difference"] = float(f"{np.abs(request.get_output_tensor(0).data - goal).max():.2g}")
    return out


def main() -> None:
    """Measures, writes the card, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("out/dataset"))
    parser.add_argument("--packages", type=Path, default=Path("out/packages"), help="where tools.data.build unpacked them")
    parser.add_argument("--per-class", type=int, default=24)
    args = parser.parse_args()
    torch.set_num_threads(1)
    light, classes = open_model(args.model)
    names = list(classes)
    eyes, data = Eyes(args.packages), Dataset(args.data)
    metrics = {
        "speed": timed(light),
        "look": judged(light, names, data, eyes, args.per_class),
        "walk": moved(light, names, eyes.scene),
    }
    card = card_file.complete(args.model, card_file.read(args.model), light)
    card_file.write(args.model, card | {"metrics": metrics})
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    main()
