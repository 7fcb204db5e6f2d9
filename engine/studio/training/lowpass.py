"""A constant low-pass filter whose second derivative is as cheap as its first, for gradient penalties.

PyTorch's convolution, differentiated twice, also reckons what its kernel would be changed by, one map at a time: thousands of
convolutions a step, for a kernel that never changes. What is linear is its own derivative; its transpose is the gradient.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def lowpass(x: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    """x (B,C,S,S) with kernel (C,1,K,K), each map by itself: (B,C,R,R). S + 2 padding - K must be a multiple of the stride."""
    filtered: Tensor = _Lowpass.apply(x, kernel, stride, padding, False)  # type: ignore[no-untyped-call]
    return filtered


class _Lowpass(torch.autograd.Function):
    """The convolution or, `turned`, its transpose: each is the gradient of the other."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: int, padding: int, turned: bool) -> Tensor:
        ctx.save_for_backward(kernel)
        ctx.way = (stride, padding, not turned)
        convolve = F.conv_transpose2d if turned else F.conv2d
        return convolve(x, kernel.to(x.dtype), stride=stride, padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (kernel,) = ctx.saved_tensors
        return _Lowpass.apply(slopes[0], kernel, *ctx.way), None, None, None, None  # type: ignore[no-untyped-call]
