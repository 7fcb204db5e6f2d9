"""Converts a model for OpenVINO: `python -m engine.runtime.convert MODEL_FOLDER FILE.xml`. Needs torch."""

import sys
from pathlib import Path

import openvino
import torch

from engine.runtime.card import load_card
from engine.runtime.network import inputs, load_network


def main() -> None:
    """Write the graph, float32, of the model in the folder named first to the file named second."""
    folder, file = (Path(argument) for argument in sys.argv[1:])
    card = load_card(folder, verify=False)  # load_network checks what it reads
    example = inputs(card)
    with torch.no_grad():
        # Traced here, without torch's own comparison of two traces, which takes three times as long as all the rest.
        traced = torch.jit.trace(load_network(card), example, check_trace=False)  # type: ignore[no-untyped-call]
        graph = openvino.convert_model(traced, example_input=example, input=[list(x.shape) for x in example])
    openvino.save_model(graph, file, compress_to_fp16=False)


if __name__ == "__main__":
    main()
