"""Converts a model for OpenVINO, by way of a trace in torch."""

from pathlib import Path

import openvino
import torch

from engine.runtime.card import ModelCard
from engine.runtime.picture_network import Picture, load_network, resting, variants


def convert(card: ModelCard, folder: Path) -> None:
    """Write the model's graphs, float32, into `folder`: 0.xml, 1.xml ...

    Each input bears its name; a graph with fewer inputs comes before one with more. Raises CardError for a model that does
    not fit together.
    """
    network = load_network(card)
    for index, names in enumerate(variants(network)):
        example = resting(network, names)
        with torch.no_grad():
            # Traced here, without torch's own comparison of two traces, which takes three times as long as all the rest.
            traced = torch.jit.trace(Picture(network, names), example, check_trace=False)  # type: ignore[no-untyped-call]
            graph = openvino.convert_model(traced, example_input=example, input=[list(x.shape) for x in example])
        for port, name in zip(graph.inputs, ("z", "y", "truncation", "noise", *names), strict=True):
            port.get_tensor().set_names({name})
        openvino.save_model(graph, folder / f"{index}.xml", compress_to_fp16=False)
