"""What the stage costs here: `python tools/stage_cost.py [--size 1280x720] [--json FILE]`, LP_NUM_THREADS=1 for one core."""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from engine.core.types import FeatureFrame, Frame, LatentState, Tick, Value
from engine.stage.gl_context import headless_context
from engine.stage.passes import load_passes
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

CASES: dict[str, dict[str, Value]] = {
    "bare": {f"/shader/{name}/amount": 0.0 for name in ("displace", "glitch", "feedback", "bloom")},
    "default": {},
    "default, no network": {"/stage/network": 0.0},
    "default, half network": {"/stage/network": 0.5},
    "all passes": {f"/shader/{name}/amount": 0.5 for name in ("displace", "glitch", "feedback", "bloom", "kaleidoscope")},
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", action="append", help="output, WxH; may be given again")
    parser.add_argument("--internal", default="320x180")
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    context = headless_context()
    width, height = (int(part) for part in options.internal.split("x"))
    random = np.random.default_rng(1)
    frames = [Frame(random.integers(0, 255, (256, 256, 4), np.uint8), n, 0.0, 0.0, n) for n in range(4)]
    rows = []
    print(
        f"{context.info['GL_RENDERER']}, LP_NUM_THREADS={os.environ.get('LP_NUM_THREADS', 'unset')}, internal {options.internal}"
    )
    print(f"{'case':24} {'output':>10} {'programs':>8} {'upload ms':>9} {'draw p50':>8} {'p99':>6} {'least':>6}")
    for size in options.size or ["320x180", "640x360", "1280x720"]:
        output = tuple(int(part) for part in size.split("x"))
        for case, params in CASES.items():
            stage = Stage(context, (output[0], output[1]), StageSettings(), load_passes(), (width, height), sharp=False)
            draws, uploads = [], []
            for number in range(options.frames + 20):
                started = time.perf_counter()
                stage.set_frame(frames[number % 4])
                uploads.append((time.perf_counter() - started) * 1e3)
                stage.draw(_tick(number, params), 5.0 + 2.0 * (number > 0) + number / 30, 1 / 30)
                draws.append(stage.draw_ms)
            draws, uploads = draws[20:], uploads[20:]
            programs = stage.status()["programs"]
            stage.close()
            p50, p99 = np.percentile(draws, [50, 99])
            upload = float(np.median(uploads))
            print(f"{case:24} {size:>10} {programs:>8} {upload:9.2f} {p50:8.2f} {p99:6.2f} {min(draws):6.2f}")
            row = {
                "case": case,
                "output": size,
                "programs": programs,
                "upload_ms": upload,
                "draw_ms_p50": p50,
                "draw_ms_p99": p99,
            }
            rows.append(row | {"draw_ms": draws})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def _tick(number: int, params: dict[str, Value]) -> Tick:
    features, none = FeatureFrame(number, 0.0, 0.0, {}, {}, ()), np.zeros(1, np.float32)
    return Tick(number, 0.0, 0.0, features, params, LatentState(none, none, 1.0, none))


if __name__ == "__main__":
    main()
