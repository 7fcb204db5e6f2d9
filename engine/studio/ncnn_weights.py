"""Weights of Real-ESRGAN's video model as the ncnn library keeps them: read as data, nothing is executed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.generators.upscaled import Upscaler

HALF = 0x01306B47  # the mark before weights of 16 bits; 0 is before 32
LIMIT = 64 << 20


def read_upscaler(file: Path) -> dict[str, Tensor]:
    """The state of an `Upscaler` from realesr-animevideov3-x4.bin. Raises ValueError for a file of anything else."""
    size = file.stat().st_size
    if size > LIMIT:
        raise ValueError(f"expected at most {LIMIT} bytes of weights in {file}; got {size}")
    data, at = file.read_bytes(), 0
    state: dict[str, Tensor] = {}

    def numbers(shape: torch.Size, kind: str) -> Tensor:
        nonlocal at
        count = shape.numel()
        step = -(-count * np.dtype(kind).itemsize // 4) * 4  # whole words
        if at + step > len(data):
            raise ValueError(
                f"expected the weights of realesr-animevideov3 in {file}; got {size} bytes: cut off, or another model"
            )
        found = np.frombuffer(data, kind, count, at).astype(np.float32)
        at += step
        return torch.from_numpy(found).reshape(shape)

    for name, parameter in Upscaler(4).state_dict().items():
        kind = "<f4"
        if parameter.ndim == 4:  # only the weights of convolutions are marked
            mark = int(numbers(torch.Size([1]), "<u4").item()) if at + 4 > size else int.from_bytes(data[at : at + 4], "little")
            at += 4
            if mark not in (0, HALF):
                raise ValueError(f"expected weights of 16 or 32 bits in {file}; got the mark {mark:#x}: another model")
            kind = "<f2" if mark == HALF else "<f4"
        state[name] = numbers(parameter.shape, kind)
    if at != size or not all(bool(tensor.isfinite().all()) for tensor in state.values()):
        raise ValueError(f"expected {at} bytes of finite weights in {file}; got {size}: another model, or damaged")
    return state
