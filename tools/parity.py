"""Draws the same pictures with our StyleGAN2 and StyleGAN3 and with NVIDIA's: `python -m tools.parity --reference DIR`.

DIR holds checkouts of github.com/NVlabs/stylegan2-ada-pytorch and .../stylegan3, or one of them; what is missing is skipped,
and said to be. Weights are seeded numbers, equal in both. Prints JSON; ends with 1 where a picture differs by more than 1e-4
of the largest value. `--golden FOLDER` also writes what the reference drew of the smallest networks, for the tests.
"""

import argparse
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from packaging import version
from torch import Tensor, nn

from engine.core.network import Network
from engine.core.registry import lookup

GOAL = 1e-4
REPOSITORY = {"stylegan2": "stylegan2-ada-pytorch", "stylegan3": "stylegan3"}
SOURCE = {"stylegan2": "training.networks", "stylegan3": "training.networks_stylegan3"}
SMALL = {"z_dim": 16, "w_dim": 24, "c_dim": 0, "channel_base": 512, "channel_max": 24, "mapping_layers": 2, "conv_clamp": 256.0}
FULL = {
    "z_dim": 512,
    "w_dim": 512,
    "c_dim": 0,
    "channel_base": 32768,
    "channel_max": 512,
    "mapping_layers": 8,
    "conv_clamp": 256.0,
}
QUARTER = {**FULL, "channel_base": 8192, "channel_max": 128, "mapping_layers": 2}  # whole ones take minutes
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "stylegan2-small": ("stylegan2", {**SMALL, "resolution": 64}),
    "stylegan2-small-classes": ("stylegan2", {**SMALL, "resolution": 64, "c_dim": 3}),
    "stylegan2-64": ("stylegan2", {**FULL, "resolution": 64, "c_dim": 10}),
    "stylegan2-256": ("stylegan2", {**FULL, "resolution": 256}),
    "stylegan3-small-t": ("stylegan3", {**SMALL, "resolution": 32, "kind": "t"}),
    "stylegan3-small-r": ("stylegan3", {**SMALL, "resolution": 32, "kind": "r", "c_dim": 3}),
    "stylegan3-128-t": ("stylegan3", {**QUARTER, "resolution": 128, "kind": "t"}),
    "stylegan3-128-r": ("stylegan3", {**QUARTER, "resolution": 128, "kind": "r"}),
}
TRUNCATIONS = (1.0, 0.7)
PACKAGES = ModuleType("pkg_resources")
PACKAGES.parse_version = version.parse  # type: ignore[attr-defined]


def seeded(network: nn.Module, seed: int = 1) -> dict[str, Tensor]:
    """Weights for every key of the network, functions of the seed only, as large as a trained network's."""
    rng = np.random.default_rng(seed)
    weights = {}
    for key, value in sorted(network.state_dict().items()):
        drawn = rng.standard_normal(tuple(value.shape)).astype(np.float32)
        if key.startswith("mapping.fc"):
            drawn = drawn * np.float32(100 if key.endswith("weight") else 30)  # they are multiplied by 0.01
        elif key.endswith("affine.bias"):
            drawn = 1 + drawn * np.float32(0.3)
        elif key.endswith(("noise_strength", "bias", "phases")):
            drawn = drawn * np.float32(0.3)
        elif key.endswith("freqs"):
            drawn = np.tanh(drawn) * np.float32(2**0.5)  # within the disc of the first band
        elif key.endswith("magnitude_ema"):
            drawn = np.exp(drawn * np.float32(0.3))
        elif key.endswith("transform"):
            drawn = np.eye(3)
        weights[key] = torch.from_numpy(np.asarray(drawn, dtype=np.float32))
    return weights


def build(name: str) -> Network:
    """Our network of a case, with its seeded weights."""
    architecture, config = CASES[name]
    network: Network = lookup("architecture", architecture).from_config(config)
    network.load_state_dict(seeded(network))
    return network.eval().requires_grad_(False)


def inputs(network: Network, seed: int = 2, batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Latents, class weights and resting noise for a batch."""
    rng = np.random.default_rng(seed)
    z = torch.from_numpy(rng.standard_normal((batch, network.z_size)).astype(np.float32))
    y = torch.from_numpy(rng.dirichlet(np.ones(network.classes), batch).astype(np.float32))
    return z, y, torch.zeros(batch, *network.noise_shape)


def reference(name: str) -> nn.Module:
    """NVIDIA's network of the same case; its checkout is on the path."""
    architecture, config = CASES[name]
    rest = {key: config[key] for key in ("channel_base", "channel_max", "conv_clamp")}
    if architecture == "stylegan2":
        rest = {"synthesis_kwargs": rest}
    elif config["kind"] == "r":
        rest |= {"conv_kernel": 1, "use_radial_filters": True}
    sizes = (config["z_dim"], config["c_dim"], config["w_dim"], config["resolution"], 3)
    mapping = {"num_layers": config["mapping_layers"]}
    generator = importlib.import_module(SOURCE[architecture]).Generator
    network: nn.Module = generator(*sizes, mapping_kwargs=mapping, **rest)
    network.load_state_dict({**network.state_dict(), **seeded(build(name))})
    return network.eval().requires_grad_(False)


def compare(name: str, pictures: dict[str, Any], repeats: int) -> dict[str, Any]:
    """The figures of one case; adds what the reference drew, every fourth pixel, to `pictures`."""
    ours, theirs = build(name), reference(name)
    z, y, noise = inputs(ours)
    worst = 0.0
    for truncation in TRUNCATIONS:
        expected = theirs(z, y, truncation_psi=truncation, noise_mode="const", force_fp32=True)
        found = ours(z, y, torch.full((len(z), 1), truncation), noise)
        worst = max(worst, float((found - expected).abs().max() / expected.abs().max()))
        pictures[name] = expected[:, :, ::4, ::4].numpy()  # of the last truncation
    one = (z[:1], y[:1])
    rest = (torch.ones(1, 1), noise[:1])
    spent: tuple[list[float], list[float]] = [], []
    for _ in range(repeats):  # in turns: other work on the machine then slows both
        for seconds, draw in zip(spent, (lambda: ours(*one, *rest), lambda: theirs(*one, noise_mode="const")), strict=True):
            begin = time.process_time()
            draw()
            seconds.append(time.process_time() - begin)
    ms, reference_ms = (round(float(np.median(seconds)) * 1e3, 1) for seconds in spent)
    return {"parity": worst, "passed": worst <= GOAL, "cpu_ms": ms, "reference_cpu_ms": reference_ms}


def commit(checkout: Path) -> str:
    """The commit that a checkout holds; empty where it is no git repository of its own."""
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if (checkout / ".git").exists()
        else ""
    )


def compare_all(architecture: str, checkout: Path, pictures: dict[str, Any], only: str, repeats: int) -> dict[str, Any]:
    """The figures of those of an architecture's cases whose names begin with `only`."""
    if not checkout.is_dir():
        return {"skipped": f"expected a checkout in {checkout}; got nothing there"}
    for module in [name for name in sys.modules if name.split(".")[0] in ("training", "torch_utils", "dnnlib")]:
        del sys.modules[module]  # both repositories have packages of these names
    sys.path.insert(0, str(checkout))
    sys.modules["pkg_resources"] = PACKAGES  # of which they want one function, and which is no longer installed by default
    chosen = [name for name, (kind, _) in CASES.items() if kind == architecture and name.startswith(only)]
    cases = {name: compare(name, pictures, repeats) for name in chosen}
    sys.path.remove(str(checkout))
    return {"commit": commit(checkout), "cases": cases}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--golden", type=Path, help="where to write one .npz an architecture")
    parser.add_argument("--only", default="", help="cases whose names begin so")
    parser.add_argument("--repeats", type=int, default=3, help="timed pictures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pictures: dict[str, Any] = {}
    with torch.no_grad():
        found = {
            architecture: compare_all(architecture, options.reference / folder, pictures, options.only, options.repeats)
            for architecture, folder in REPOSITORY.items()
        }
    print(json.dumps({"torch": torch.__version__, "threads": 1, "goal": GOAL, **found}, indent=1))
    if options.golden:
        for architecture in REPOSITORY:
            drawn = {name: picture for name, picture in pictures.items() if name.startswith(f"{architecture}-small")}
            if drawn:
                np.savez_compressed(options.golden / f"{architecture}.npz", **drawn)
    sys.exit(not all(case["passed"] for one in found.values() for case in one.get("cases", {}).values()))


if __name__ == "__main__":
    main()
