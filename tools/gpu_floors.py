"""What no form of a network can do without: its arithmetic, and the bytes that its products of matrices read and write.

Counted on PyTorch's "meta" device, where nothing is computed. A frame cannot take less than either of them at the rates that
are measured on the card. `python -m tools.gpu_floors` measures these; with JSON, a list of [name, architecture, config, batch],
it counts. Prints a line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from engine.core.network import Network
from engine.core.registry import lookup
from engine.runtime.picture_network import Picture, halve, resting

PRODUCTS = {"aten.convolution", "aten.mm", "aten.addmm", "aten.bmm", "aten.baddbmm"}
SIDE, COPIED = 8192, 1 << 30  # of the product of matrices; bytes of the copy


class Bytes(TorchDispatchMode):
    """Adds up what every convolution and product of matrices reads and writes, each tensor once a product.

    What acts on each map by itself, low-pass filters too, is left out: it can be done on the way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        filters = func is torch.ops.aten.convolution.default and args[8] > 1
        if str(func).rpartition(".")[0] in PRODUCTS and not filters:
            self.total += sum(tensor.nbytes for tensor in (*args, out) if isinstance(tensor, Tensor))
        return out


def count(architecture: str, config: Mapping[str, Any], batch: int) -> dict[str, float]:
    """GFLOP (a multiplication and an addition are two), those of them that are low-pass filters', and GB of one call, in half."""
    with torch.device("meta"):
        network: Network = lookup("architecture", architecture).from_config(dict(config))
    network = halve(network.eval().requires_grad_(False).to("meta"))
    inputs = [value.to("meta") for value in resting(network, (), batch)]
    with torch.no_grad(), FlopCounterMode(display=False) as flops, Bytes() as moved:
        Picture(network)(*inputs)
    return {
        "gflop": flops.get_total_flops() / 1e9,
        "gb": (moved.total + 4 * batch * network.resolution[0] * network.resolution[1]) / 1e9,
    }


def rates() -> dict[str, float]:
    """TFLOP/s of a half-precision product of random matrices, and TB/s of a copy on the card, bytes read and written."""
    a, b = (torch.randn(SIDE, SIDE, device="cuda", dtype=torch.float16) for _ in range(2))
    source, to = (torch.randint(0, 255, (COPIED,), device="cuda", dtype=torch.uint8) for _ in range(2))
    product, copy = _ms(lambda: torch.mm(a, b), 20), _ms(lambda: to.copy_(source), 20)
    return {"tflops": 2 * SIDE**3 / product / 1e9, "tb_s": 2 * COPIED / copy / 1e9}


def _ms(work: Callable[[], object], times: int) -> float:
    """Median milliseconds of the card's, after three that do not count."""
    spent = []
    for index in range(times + 3):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        if index >= 3:
            spent.append(begin.elapsed_time(end))
    return sorted(spent)[len(spent) // 2]


def measure() -> dict[str, Any]:
    """What this card is, and its rates."""
    began = time.perf_counter()
    torch.cuda.init()
    properties = torch.cuda.get_device_properties(0)
    found = {
        "card": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "memory_bytes": properties.total_memory,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        **rates(),
    }
    return found | {"seconds": round(time.perf_counter() - began, 1)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        rows = json.loads(sys.argv[1])
        print(json.dumps({f"{name} x{batch}": count(kind, config, batch) for name, kind, config, batch in rows}))
    else:
        print(json.dumps(measure()))
