"""One run on one processor or card, or on several under torchrun: each has its own share of the batch and the same weights.

Gradients are averaged after each backward pass, in one message (as StyleGAN3's training does), rather than by
DistributedDataParallel, whose hooks do not see the gradient penalty's second backward pass.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

_CPU_FLAGS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class World:
    """Where this process stands: its rank of `size`, its device, and the type in which multiplications pay there."""

    rank: int
    size: int
    device: torch.device
    half: torch.dtype | None  # None: float32 throughout

    def autocast(self) -> AbstractContextManager[object]:
        """Multiplications in half precision, where that pays."""
        return torch.autocast(self.device.type, self.half or torch.bfloat16, enabled=self.half is not None)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Makes the gradients those of the whole batch, on all ranks alike."""
        if self.size == 1:
            return
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= self.size
        for grad, part in zip(grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean over all ranks."""
        if self.size == 1:
            return tensor
        mean = tensor.detach().clone()
        dist.all_reduce(mean)
        return mean / self.size

    def told(self, values: Sequence[float]) -> list[float]:
        """What the first rank says, on all of them: decisions that depend on a clock or a signal are made once."""
        said = torch.tensor(values, dtype=torch.float64)
        if self.size > 1:
            dist.broadcast(said, 0)
        return said.tolist()

    def close(self) -> None:
        """Leave the group."""
        if self.size > 1:
            dist.destroy_process_group()


def join(device: str) -> World:
    """This process's place, in torchrun's group if it runs under torchrun. Raises ValueError for a card that is not there."""
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise ValueError("expected an NVIDIA card for --device cuda; PyTorch finds none here")
    kind = "cuda" if cuda and device != "cpu" else "cpu"
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    place = torch.device(kind, int(os.environ.get("LOCAL_RANK", 0))) if kind == "cuda" else torch.device("cpu")
    if kind == "cuda":
        torch.cuda.set_device(place)
    if size > 1:
        dist.init_process_group("cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo")
    return World(rank, size, place, _half(place))


def seeded(seed: int, *names: str | int) -> int:
    """A seed for what `names` name: the same for the same, unlike for all others."""
    words = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=7).digest())


def _half(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the device multiplies it faster than float32: newer cards, and CPUs with AMX or AVX512-BF16.

    On other CPUs it is five times slower; cards without it (before Ampere) train in float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else None
    flags = set(_CPU_FLAGS.read_text().split()) if _CPU_FLAGS.exists() else set()
    return torch.bfloat16 if flags & {"amx_bf16", "avx512_bf16"} else None
