"""Writes a model's network as ONNX, for TensorRT. Needs torch, onnx and onnxscript, and may take a minute."""

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from engine.core.extras import install_command
from engine.core.network import Network
from engine.runtime.card import ModelCard
from engine.runtime.input_packing import FIRST
from engine.runtime.picture_network import Picture, halve, load_network, resting

OPSET = 20  # that TensorRT 11, TensorRT for RTX 1.7 and onnxruntime read
NEEDED = ("onnx", "onnxscript")
PICTURE = "picture"  # the output
LARGE = 1 << 30  # bytes of weights: protobuf, which ONNX is written in, ends at 2 GiB


def export(card: ModelCard, file: Path, *, half: bool, names: Sequence[str], batch: int = 1, half_filters: bool = True) -> None:
    """Write the graph that draws `batch` pictures to `file`: inputs z, y, truncation, noise and the live ones in `names`.

    All inputs are float32, (batch, *shape); the output is `picture`, (batch,H,W,4) uint8. With `half`, weights and convolutions
    are float16 inside, but what `halve` leaves; without `half_filters` it leaves the low-pass filters too. The weights of a
    network of more than a gigabyte lie beside the file, in `file`.data. Raises CardError for a model that does not fit
    together, ValueError for a live input that it has not, RuntimeError where packages are missing.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(f"expected {' and '.join(NEEDED)}, of which some are not installed: {install_command('export')}")
    network = load_network(card)
    unknown = [name for name in names if name not in network.extra_inputs]
    if unknown:
        raise ValueError(
            f"expected live inputs of {card.name}, of {', '.join(network.extra_inputs) or 'none'}; got {', '.join(unknown)}"
        )
    filters = torch.float16 if half_filters else torch.float32
    write(halve(network, filters) if half else network, file, names, batch)


def write(network: Network, file: Path, names: Sequence[str], batch: int = 1) -> None:
    """Write a network as it is, but for bytes, which TensorRT would take for quantised: they become float16, which holds them."""
    from onnxscript import optimizer

    for buffer in network.buffers():
        if buffer.dtype == torch.int8:
            buffer.data = buffer.half()
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            Picture(network, names).eval(),
            resting(network, names, batch),
            dynamo=True,
            opset_version=OPSET,
            input_names=[*FIRST, *names],
            output_names=[PICTURE],
            optimize=False,  # it takes 1e-8 for nothing and leaves it out of sums; and TensorRT simplifies graphs itself
        )
        assert program is not None
        # So that no sequences are left, and nothing that depends on the weights alone is computed for every picture.
        optimizer.fold_constants_ir(program.model, input_size_limit=LARGE, output_size_limit=LARGE)
        optimizer.remove_unused_nodes(program.model)
    size = sum(tensor.nbytes for tensor in network.state_dict().values())
    program.save(str(file), external_data=size > LARGE)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's progress and advice to its own authors."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
