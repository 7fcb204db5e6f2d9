"""Low-pass filters and the filtered leaky ReLU of StyleGAN3 (Karras et al., 2021, arXiv:2106.12423), in plain torch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

Array = NDArray[np.float64]


def lowpass(taps: int, cutoff: float, width: float, rate: float, radial: bool = False) -> Array:
    """A Kaiser-windowed low-pass of unit gain at zero: (taps,) to be applied both ways, or (taps, taps) if `radial`.

    `cutoff` and the `width` of the transition band in the unit of `rate`. Kaiser's formulas for the window's shape, as in
    Oppenheim and Schafer, Discrete-Time Signal Processing, 7.6.
    """
    attenuation = 2.285 * (taps - 1) * np.pi * width / (rate / 2) + 7.95  # dB
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    window = np.kaiser(taps, beta)
    place = (np.arange(taps) - (taps - 1) / 2) / rate
    if radial:
        distance = np.hypot(*np.meshgrid(place, place))  # never 0: taps are even
        kernel = bessel_j1(2 * cutoff * np.pi * distance) / (np.pi * distance) * np.outer(window, window)
    else:
        kernel = np.sinc(2 * cutoff * place) * window
    normal: Array = kernel / kernel.sum()
    return normal


def bessel_j1(x: Array) -> Array:
    """The Bessel function J1, by the trapezoid rule on its integral: exact to rounding for |x| below 100, as it is periodic."""
    angle = np.linspace(0, np.pi, 257)
    weight = np.full(257, 1 / 256)
    weight[[0, -1]] /= 2
    return np.asarray(np.cos(angle - np.multiply.outer(x, np.sin(angle))) @ weight, dtype=np.float64)


class FilteredReLU(nn.Module):
    """Upsampling, leaky ReLU with a gain of sqrt 2 and a clamp, downsampling.

    `rise` (taps,) is applied both ways, `fall` too unless it is (taps, taps); `skip` counts the first of the upsampled pixels
    that are left out, `clamp` 0 is none.
    """

    filters = ("rise", "fall")
    folded = False

    rise: Tensor
    fall: Tensor

    def __init__(self, up: int, down: int, rise: Array, fall: Array, skip: int, size: int, clamp: float) -> None:
        super().__init__()
        self.up, self.down, self.skip, self.size, self.clamp = up, down, skip, size, clamp
        rise = rise * up * 2**0.25  # zeros are inserted; and the gain, half of it each way
        self.register_buffer("rise", torch.tensor(rise, dtype=torch.float32, device="cpu"), persistent=False)
        self.register_buffer("fall", torch.tensor(fall, dtype=torch.float32, device="cpu"), persistent=False)

    def fold_for(self, size: int) -> None:
        """Make the filters products with matrices, for maps of `size` x `size`; a radial one stays as it is."""
        every = torch.eye(size, dtype=self.rise.dtype, device=self.rise.device)[None, None]
        upward = F.conv_transpose2d(every, self.rise.view(1, 1, -1, 1), stride=(self.up, 1), padding=(self.skip, 0))
        self.raised = upward[0, 0]  # (U, R)
        if self.fall.dim() == 1:
            every = torch.eye(len(self.raised), dtype=self.fall.dtype, device=self.fall.device)[None, None]
            self.lowered = F.conv2d(every, self.fall.view(1, 1, -1, 1), stride=(self.down, 1))[0, 0, : self.size].contiguous()
        self.folded = True

    def _by_products(self, x: Tensor) -> Tensor:
        """What `forward` does, once folded."""
        channels = x.shape[1]
        x = _both_ways(self.raised, x)
        if self.clamp:
            x = x.clamp_(-self.clamp / 0.2, self.clamp)
        x = F.leaky_relu(x, 0.2, inplace=True)
        if self.fall.dim() == 1:
            return _both_ways(self.lowered, x)
        kernel, step = self.falls()[0]
        x = F.conv2d(x, kernel.expand(channels, -1, -1, -1), stride=step, groups=channels)
        return x[:, :, : self.size, : self.size]

    def forward(self, x: Tensor) -> Tensor:
        """x (B,C,R,R) to (B,C,S,S)."""
        channels, dtype = x.shape[1], x.dtype
        if self.folded:
            return self._by_products(x.to(self.rise.dtype)).to(dtype)
        x = x.to(self.rise.dtype)
        one_way, other_way = (self.rise.view(1, 1, *shape).expand(channels, -1, -1, -1) for shape in ((-1, 1), (1, -1)))
        x = F.conv_transpose2d(x, one_way, stride=(self.up, 1), padding=(self.skip, 0), groups=channels)
        x = F.conv_transpose2d(x, other_way, stride=(1, self.up), padding=(0, self.skip), groups=channels)
        if self.clamp:
            x = x.clamp_(-self.clamp / 0.2, self.clamp)
        x = F.leaky_relu(x, 0.2, inplace=True)
        for kernel, step in self.falls():
            x = F.conv2d(x, kernel.expand(channels, -1, -1, -1), stride=step, groups=channels)
        return x[:, :, : self.size, : self.size].to(dtype)  # the last upsampled pixels were too many

    def falls(self) -> list[tuple[Tensor, tuple[int, int]]]:
        """Kernels (1,1,*,*) and strides of the downsampling."""
        if self.fall.dim() == 2:
            return [(self.fall[None, None], (self.down, self.down))]
        return [(self.fall.view(1, 1, -1, 1), (self.down, 1)), (self.fall.view(1, 1, 1, -1), (1, self.down))]


def _both_ways(matrix: Tensor, x: Tensor) -> Tensor:
    """`matrix` (S,R) along the columns of x (B,C,R,R), and along its rows: (B,C,S,S)."""
    batch, channels, size = x.shape[:3]
    down = torch.bmm(matrix.expand(batch * channels, -1, -1), x.reshape(batch * channels, size, size))  # (B*C, S, R)
    return (down.flatten(0, 1) @ matrix.T).view(batch, channels, len(matrix), len(matrix))
