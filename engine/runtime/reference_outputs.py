"""Draws a few pictures of a model in float32, against which engines are held wherever they run. Needs torch."""

import numpy as np
import torch

from engine.core.types import ByteArray, LatentState
from engine.runtime.accuracy_check import fresh
from engine.runtime.card import ModelCard
from engine.runtime.input_packing import Packing, fill
from engine.runtime.picture_network import Picture, load_network, variants


def drawn(card: ModelCard) -> list[tuple[LatentState, ByteArray]]:
    """One state, fresh, for each set of live inputs that is executed apart, and its picture (H, W, 4)."""
    network, info = load_network(card), card.info("torch")
    pictures = []
    for names in variants(network):
        (state,) = fresh(info, names, 1)
        packing = Packing.of(info, names)
        inputs = packing.views(np.zeros(packing.size, np.uint8))
        fill(inputs, [state])
        with torch.inference_mode():
            picture = Picture(network, names)(*(torch.from_numpy(view) for view in inputs.values()))
        pictures.append((state, picture[0].contiguous().numpy()))
    return pictures
