"""Converts a model for OpenVINO: `python -m engine.runtime.convert MODEL_FOLDER FOLDER PARENT`. Needs torch."""

import ctypes
import os
import signal
import sys
from pathlib import Path

import openvino
import torch

from engine.runtime.card import load_card
from engine.runtime.network import Picture, load_network, resting, variants

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Write the graphs, float32, of the model in the folder named first into the folder named second: 0.xml, 1.xml ...

    Each input bears its name; a graph with fewer inputs comes before one with more.
    """
    if sys.platform == "linux":  # with whoever wanted the graph, and not go on for minutes beside a show that does not
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(sys.argv[3]):  # it died while torch was loaded
            return
    folder, out = (Path(argument) for argument in sys.argv[1:3])
    network = load_network(load_card(folder, verify=False))  # load_network checks what it reads
    for index, names in enumerate(variants(network)):
        example = resting(network, names)
        with torch.no_grad():
            # Traced here, without torch's own comparison of two traces, which takes three times as long as all the rest.
            traced = torch.jit.trace(Picture(network, names), example, check_trace=False)  # type: ignore[no-untyped-call]
            graph = openvino.convert_model(traced, example_input=example, input=[list(x.shape) for x in example])
        for port, name in zip(graph.inputs, ("z", "y", "truncation", "noise", *names), strict=True):
            port.get_tensor().set_names({name})
        openvino.save_model(graph, out / f"{index}.xml", compress_to_fp16=False)


if __name__ == "__main__":
    main()
